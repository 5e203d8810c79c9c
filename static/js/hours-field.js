// @ts-check
import { h, icon } from "./dom.js";
import { capital } from "./format.js";

/** @typedef {import("./types.js").Span} Span */

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NIGHTS = { days: DAYS, from: "18:00", to: "06:00" };

/** The hours in which a camera is watched, as rows of days with a beginning and an end; none are all hours. */
export class HoursField {
  #spans = h("div", { class: "hours" });
  #always = h("p", { class: "hint" }, "Watched at all hours.");
  #error = h("p", { class: "err" });
  #add = h("button", { class: "btn small", type: "button", onclick: () => this.#append(NIGHTS) }, icon("plus", "s"), "Add hours");
  element;

  /** @param {Span[]} spans */
  constructor(spans) {
    const row = h("div", { class: "row" }, this.#add);
    this.element = h("fieldset", {}, h("legend", {}, "Schedule"), this.#always, this.#spans, this.#error, row);
    for (const span of spans) this.#append(span);
  }

  /** @returns {Span[]} */
  get value() {
    return [...this.#spans.children].map((span) => {
      const pressed = [...span.querySelectorAll('[aria-pressed="true"]')];
      const days = pressed.map((day) => /** @type {HTMLElement} */ (day).dataset.day ?? "");
      const [from, to] = [...span.querySelectorAll("input")].map(({ value }) => value);
      return { days, from, to };
    });
  }

  /** @param {string} sentence */
  refuse(sentence) {
    this.#error.textContent = sentence;
  }

  focus() {
    (this.#spans.querySelector("button") ?? this.#add).focus();
  }

  /** @param {Span} span */
  #append({ days, from, to }) {
    const remove = () => {
      span.remove();
      this.#always.hidden = this.#spans.childElementCount > 0;
      this.#add.focus();
    };
    const time = (/** @type {string} */ label, /** @type {string} */ value) => {
      const input = h("input", { class: "input", type: "time", "aria-label": label });
      input.value = value === "24:00" ? "00:00" : value;
      return input;
    };
    const toggles = DAYS.map((day) => dayToggle(day, days.includes(day)));
    const shape = { class: "btn ghost icon small", type: "button", "aria-label": "Remove these hours" };
    const trash = h("button", { ...shape, onclick: remove }, icon("trash"));
    const times = h("div", { class: "times" }, time("From", from), "to", time("To", to), trash);
    const span = h("div", { class: "span" }, h("div", { class: "days", role: "group", "aria-label": "Days" }, ...toggles), times);
    this.#spans.append(span);
    this.#always.hidden = true;
  }
}

/**
 * @param {string} day
 * @param {boolean} on
 */
function dayToggle(day, on) {
  const button = h("button", { class: "toggle", type: "button", "data-day": day, "aria-pressed": String(on) }, capital(day));
  button.addEventListener("click", () => button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true")));
  return button;
}
