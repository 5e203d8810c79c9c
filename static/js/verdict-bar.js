// @ts-check
import { verdict } from "./alert-words.js";
import { h, icon } from "./dom.js";

/** @typedef {import("./types.js").Alert} Alert */

const EVERYONE = "Everyone who got the alert gets your answer.";
const LATE = "Confirm or dismiss is still offered for the record.";

/** The question to a person, its note, and its two answers; once it is answered, the answer and the note. */
export class VerdictBar {
  #on;
  /** Notes that were begun and not sent, by alert. @type {Map<string, string>} */
  #drafts = new Map();
  /** @type {Alert | null} */
  #alert = null;
  #heading = h("h2");
  #sub = h("p", { class: "sub" });
  #note = h("input", {
    class: "input note-in",
    placeholder: "Add a note",
    "aria-label": "Note for the record",
    maxlength: 1000,
    oninput: () => this.#draft(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
  });
  /** Where there is little room the field comes when it is wanted. */
  #wanted = h("button", { class: "link noteb", type: "button", onclick: () => this.focusNote() }, "Add a note");
  #save = h("button", { class: "btn", type: "button", onclick: () => this.#saveNote() }, "Save note");
  #yes = h(
    "button",
    { class: "btn yes", type: "button", onclick: () => this.#on.onconfirm() },
    icon("check"),
    "Yes, confirm ",
    h("kbd", { "aria-hidden": "true" }, "C"),
  );
  #no = h(
    "button",
    { class: "btn no", type: "button", onclick: () => this.#on.ondismiss() },
    icon("x"),
    "No, dismiss ",
    h("kbd", { "aria-hidden": "true" }, "D"),
  );
  element = h(
    "div",
    { class: "card verdict", role: "group", "aria-label": "Verdict" },
    h("div", { class: "vq" }, this.#heading, this.#wanted, this.#sub),
    this.#note,
    this.#save,
    h("div", { class: "vb" }, this.#yes, this.#no),
  );

  /**
   * @param {object} on
   * @param {() => void} on.onconfirm
   * @param {() => void} on.ondismiss
   * @param {(alert: Alert, note: string) => void} on.onnote
   */
  constructor(on) {
    this.#on = on;
  }

  /** What stands in the field of the alert that is shown, null for nothing. */
  get note() {
    return this.#note.value.trim() || null;
  }

  /** @param {boolean} busy  an answer is under way */
  set busy(busy) {
    this.#yes.disabled = this.#no.disabled = busy;
  }

  /** @param {Alert} alert */
  show(alert) {
    const other = this.#alert?.id !== alert.id;
    const offered = alert.state === "candidate" || alert.state === "expired";
    if (!offered && this.#alert?.state !== alert.state) this.forget(alert.id);
    if (other || (!this.#drafts.has(alert.id) && document.activeElement !== this.#note))
      this.#note.value = this.#drafts.get(alert.id) ?? alert.note ?? "";
    if (other) this.element.classList.toggle("noting", Boolean(this.note));
    this.#alert = alert;
    this.element.classList.toggle("done", !offered);
    this.#yes.hidden = this.#no.hidden = !offered;
    this.#save.hidden = offered || (this.note ?? "") === (alert.note ?? "");
    const text = {
      candidate: [`Is this ${article(alert.label)} ${alert.label}?`, EVERYONE],
      expired: [verdict(alert), LATE],
      confirmed: [verdict(alert), ""],
      dismissed: [verdict(alert), ""],
    }[alert.state];
    [this.#heading.textContent, this.#sub.textContent] = text;
    this.#sub.hidden = !text[1];
  }

  /**
   * Its note is sent.
   * @param {string} id
   */
  forget(id) {
    this.#drafts.delete(id);
  }

  focusNote() {
    this.element.classList.add("noting");
    this.#note.focus();
  }

  #draft() {
    if (!this.#alert) return;
    this.#drafts.set(this.#alert.id, this.#note.value);
    this.show(this.#alert);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === "Escape") this.#note.blur();
    if (event.key === "Enter" && !this.#save.hidden) this.#saveNote();
  }

  #saveNote() {
    if (this.#alert) this.#on.onnote(this.#alert, this.note ?? "");
  }
}

/** @param {string} word */
const article = (word) => (/^[aeiou]/i.test(word) ? "an" : "a");
