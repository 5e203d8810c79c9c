// @ts-check
import { ClassPicker } from "./class-picker.js";
import { ConfidenceSlider } from "./confidence.js";
import { h, icon } from "./dom.js";
import { percent } from "./format.js";

/** @typedef {import("./types.js").Control} Control */
/** @typedef {import("./types.js").DetectionMessage} DetectionMessage */
/** @typedef {import("./types.js").Info} Info */

const SEND_EVERY_MS = 100;
const CONFIRM_WITHIN_MS = 1000;
/** @type {["smooth" | "exact", string, string][]} */
const MODES = [
  ["smooth", "Smooth", "Every picture, with the newest boxes"],
  ["exact", "Exact", "Only pictures with their own boxes"],
];

/**
 * The choices of Live. They act at once on screen, go out as one message per 100 ms at most, and are confirmed by the next detection
 * message; a value that the server did not take goes back after a second.
 */
export class LiveControls {
  #send;
  #onrefused;
  /** @type {Control} */
  #waiting = {};
  /** @type {Control} */
  #unconfirmed = {};
  #sentAt = 0;
  #timer = 0;
  #annotate = true;
  /** @type {"smooth" | "exact"} */
  #mode = "smooth";
  #modes;

  /**
   * @param {object} options
   * @param {Info} options.info
   * @param {HTMLElement} options.camera  the camera choice
   * @param {() => void} options.onstop
   * @param {(control: Control) => void} options.send
   * @param {(text: string) => void} options.onrefused
   */
  constructor({ info, camera, onstop, send, onrefused }) {
    this.#send = send;
    this.#onrefused = onrefused;
    this.stop = h("button", { class: "btn stop", type: "button", hidden: true, onclick: onstop }, icon("stop", "fill"), "Stop");
    this.confidence = new ConfidenceSlider(info.model.conf, (conf) => this.#change({ conf }));
    this.classes = new ClassPicker(info.model.classes, (classes) => this.#change({ classes }));
    this.#modes = MODES.map(([mode, word, title]) =>
      h(
        "button",
        {
          type: "button",
          title,
          "data-mode": mode,
          onclick: () => {
            this.#setMode(mode);
            this.#change({ mode });
          },
        },
        word,
      ),
    );
    const modes = h(
      "div",
      { class: "field mode", role: "group", "aria-label": "Boxes" },
      h("span", { class: "label", "aria-hidden": "true" }, "Boxes"),
      h("div", { class: "seg" }, ...this.#modes),
    );
    this.element = h(
      "div",
      { class: "card controls", "data-needs": "admin" },
      this.stop,
      camera,
      this.confidence.element,
      this.classes.element,
      modes,
    );
    this.#setMode("smooth");
  }

  /** All values, for a connection that begins. */
  get all() {
    return { conf: this.confidence.value, classes: this.classes.value, mode: this.#mode, annotate: this.#annotate };
  }

  get annotate() {
    return this.#annotate;
  }

  set annotate(on) {
    this.#annotate = on;
    this.#change({ annotate: on });
  }

  /** Nothing is confirmed while nothing is connected. */
  reset() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#waiting = {};
    this.#unconfirmed = {};
  }

  /**
   * Compares what the server says is in force with what was asked for.
   * @param {DetectionMessage} message
   */
  confirm(message) {
    const open = Object.entries(this.#unconfirmed).filter(
      ([name, value]) => !isSame(message[/** @type {"conf"} */ (name)], value),
    );
    this.#unconfirmed = Object.fromEntries(open);
    if (!open.length || this.#timer || performance.now() - this.#sentAt < CONFIRM_WITHIN_MS) return;
    this.#unconfirmed = {};
    this.#takeBack(
      open.map(([name]) => name),
      message,
    );
  }

  /**
   * @param {string[]} names
   * @param {DetectionMessage} message
   */
  #takeBack(names, message) {
    let now = "what it was";
    if (names.includes("mode")) this.#setMode(message.mode);
    if (names.includes("annotate")) this.#annotate = message.annotate;
    if (names.includes("classes")) this.classes.value = message.classes;
    if (names.includes("conf")) {
      this.confidence.value = message.conf;
      now = `at ${percent(message.conf)}`;
    }
    this.#onrefused(`The server did not take the new setting. It is back ${now === "what it was" ? "to " : ""}${now}.`);
  }

  /** @param {"smooth" | "exact"} mode */
  #setMode(mode) {
    this.#mode = mode;
    for (const button of this.#modes) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  }

  /** @param {Control} control */
  #change(control) {
    Object.assign(this.#waiting, control);
    this.#timer ||= setTimeout(() => this.#flush(), SEND_EVERY_MS);
  }

  #flush() {
    this.#timer = 0;
    this.#send(this.#waiting);
    Object.assign(this.#unconfirmed, this.#waiting);
    this.#waiting = {};
    this.#sentAt = performance.now();
  }
}

/**
 * @param {unknown} inForce
 * @param {unknown} wanted
 */
function isSame(inForce, wanted) {
  if (typeof inForce === "number" && typeof wanted === "number") return Math.abs(inForce - wanted) < 0.005;
  return JSON.stringify(inForce) === JSON.stringify(wanted);
}
