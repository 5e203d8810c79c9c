// @ts-check
import { AlertClip } from "./alert-clip.js";
import { AlertDeliveries } from "./alert-deliveries.js";
import { opened, possible, SIGNS, stateWord, verdict } from "./alert-words.js";
import { BestFrame } from "./best-frame.js";
import { h, icon } from "./dom.js";
import { HeldDismissal } from "./held-dismissal.js";
import { Note } from "./note.js";
import { VerdictBar } from "./verdict-bar.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {{note: string | null, reason?: string | null}} Answer */

/**
 * @typedef {object} Handlers
 * @property {() => void} onconfirm
 * @property {() => void} ondismiss
 * @property {(alert: Alert, note: string) => void} onnote
 * @property {(alert: Alert, answer: Answer) => void} onsend  a dismissal has waited long enough
 * @property {(alert: Alert) => void} onundo
 * @property {(alert: Alert, delivery: import("./types.js").Delivery) => void} onagain
 * @property {() => void} onchannels
 */

/** One alert: clip, best frame, facts, who was told, and the verdict. */
export class AlertDetail {
  #name = document.createTextNode("");
  #what = h("span", { class: "sub" });
  #heading = h("h2", { tabindex: -1, id: "alert-heading" }, this.#name, " ", this.#what);
  #state = h("span", { class: "st" });
  #clip;
  #best;
  #deliveries;
  #now;
  #bar;
  /** @type {Alert | null} */
  #alert = null;
  #open = false;
  held;
  note = new Note();

  /**
   * @param {string[]} classes  of the model
   * @param {() => number} now  of the server, milliseconds
   * @param {Handlers} on
   */
  constructor(classes, now, on) {
    this.#now = now;
    this.#clip = new AlertClip(classes, (image) => (this.#best.image = image));
    this.#best = new BestFrame(() => this.#clip.scale);
    this.#deliveries = new AlertDeliveries((delivery) => this.#alert && on.onagain(this.#alert, delivery), on.onchannels);
    this.#bar = new VerdictBar(on);
    this.held = new HeldDismissal({ onsend: on.onsend, onundo: on.onundo });
    this.element = this.#build();
  }

  #build() {
    const back = h("a", { class: "btn ghost small backl", href: "#/alerts" }, icon("left"), "Alerts");
    const head = h("div", { class: "alhead" }, back, this.#heading, this.#state);
    const side = h("div", { class: "col side" }, ...this.#best.elements, this.#deliveries.element);
    const answer = h("div", { class: "answer" }, this.held.element, this.#bar.element);
    const view = h("div", { class: "alview" }, h("div", { class: "col tight" }, ...this.#clip.elements), side, answer);
    return h("section", { class: "col almain", "aria-labelledby": "alert-heading" }, head, this.note.element, view);
  }

  get noteText() {
    return this.#bar.note;
  }

  open() {
    this.#open = true;
    this.#clip.open();
    this.#best.open();
  }

  close() {
    this.held.flush();
    this.clear();
    this.#best.close();
    this.#open = false;
  }

  /** Nothing is shown: nothing plays. */
  clear() {
    this.#clip.close();
    this.#clip.open();
    this.#alert = null;
  }

  /** Shows an alert; nothing once the place is left, as when an answer is refused then. @param {Alert} alert */
  show(alert) {
    if (!this.#open) return;
    this.#alert = alert;
    this.#name.data = alert.source.name;
    this.#what.textContent = `${alert.state === "confirmed" ? alert.label : possible(alert)}, ${opened(alert)}`;
    const held = this.held.id === alert.id;
    this.#bar.element.hidden = held;
    this.held.element.classList.toggle("other", !held);
    this.#bar.show(alert);
    this.#clip.show(alert);
    this.#best.show(alert);
    this.tick();
  }

  /** Renews what changes with time; once a second. */
  tick() {
    const alert = this.#alert;
    if (!alert) return;
    const held = this.held.id === alert.id;
    const word = held ? "Dismissed" : alert.state === "candidate" ? stateWord(alert, this.#now()) : verdict(alert);
    this.#state.className = `st ${held ? "off" : SIGNS[alert.state]}`;
    if (this.#state.textContent !== word) this.#state.textContent = word;
    this.#deliveries.show(alert, this.#now());
  }

  /** @param {boolean} busy */
  set busy(busy) {
    this.#bar.busy = busy;
  }

  /**
   * The note of an alert has arrived.
   * @param {string} id
   */
  noted(id) {
    this.#bar.forget(id);
  }

  focus() {
    this.#heading.focus({ preventScroll: true });
    const { top } = this.#heading.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) this.#heading.scrollIntoView({ block: "start" });
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    return {
      n: { label: "Write a note", run: () => this.#bar.focusNote() },
      b: { label: "Boxes on or off", run: () => this.#clip.toggleBoxes() },
      " ": { name: "Space", label: "Play or pause the clip", run: () => this.#clip.toggle() },
      z: { label: "Full-size frame", run: () => this.#best.enlarge() },
    };
  }
}
