// @ts-check
import { opened, REASONS } from "./alert-words.js";
import { h, icon } from "./dom.js";

/** @typedef {import("./types.js").Alert} Alert */

const WAIT_S = 5;

/** A dismissal that waits a moment before everybody is told: until then it can be taken back, and given a reason. */
export class HeldDismissal {
  #on;
  /** @type {{alert: Alert, note: string | null, reason: string | null, until: number} | null} */
  #held = null;
  #timer = 0;
  #left = () => this.flush();
  #name = h("b");
  #sub = h("span", { class: "sub" });
  #reasons = h("div", { class: "reasons", role: "group", "aria-label": "What it was" });
  #undo = h("button", { class: "btn", type: "button", onclick: () => this.undo() }, icon("swap"), "Undo");
  #bar = h("div", { class: "rundown", "aria-hidden": "true" });
  element = h(
    "div",
    { class: "card held", hidden: true },
    h("p", {}, this.#name, " ", this.#sub),
    this.#reasons,
    this.#undo,
    this.#bar,
  );

  /**
   * @param {object} on
   * @param {(alert: Alert, answer: {note: string | null, reason: string | null}) => void} on.onsend  the time is over
   * @param {(alert: Alert) => void} on.onundo
   */
  constructor(on) {
    this.#on = on;
  }

  /** The id of the alert that waits to be dismissed, "" for none. */
  get id() {
    return this.#held?.alert.id ?? "";
  }

  /**
   * Begins to wait; what waited before is sent now.
   * @param {Alert} alert
   * @param {string | null} note
   */
  hold(alert, note) {
    this.flush();
    this.#held = { alert, note, reason: null, until: performance.now() + WAIT_S * 1000 };
    addEventListener("pagehide", this.#left);
    this.#name.textContent = "Dismissed.";
    this.#reasons.replaceChildren(...REASONS.map((reason) => this.#reason(reason)));
    this.#bar.replaceChildren(h("i")); // a new element runs down from the start
    this.element.hidden = false;
    this.#tick();
  }

  focus() {
    this.#undo.focus();
  }

  /** @param {string} reason */
  #reason(reason) {
    const choose = () => {
      if (!this.#held) return;
      this.#held.reason = this.#held.reason === reason ? null : reason;
      for (const button of this.#reasons.children)
        button.setAttribute("aria-pressed", String(button.textContent === this.#held.reason));
    };
    return h("button", { class: "toggle", type: "button", "aria-pressed": "false", onclick: choose }, reason);
  }

  #tick() {
    if (!this.#held) return;
    const { alert, until } = this.#held;
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) return this.flush();
    this.#sub.textContent = `${alert.source.name}, ${opened(alert)}. Everyone is told in ${left} s.`;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), (until - performance.now()) % 1000 || 1000);
  }

  undo() {
    const held = this.#take();
    if (held) this.#on.onundo(held.alert);
  }

  /** Sends without further waiting, as when the page is left. */
  flush() {
    const held = this.#take();
    if (held) this.#on.onsend(held.alert, { note: held.note, reason: held.reason });
  }

  #take() {
    clearTimeout(this.#timer);
    removeEventListener("pagehide", this.#left);
    const held = this.#held;
    this.#held = null;
    this.element.hidden = true;
    return held;
  }
}
