// @ts-check
/** Fields of a form that say what is wrong with them. */

import { h } from "./dom.js";

let count = 0;

/** A labelled input with a hint, and with the refusal of what was typed. */
export class Field {
  #input;
  #error;
  #scale;
  element;

  /**
   * @param {string} label
   * @param {import("./dom.js").Attributes} attributes  of the input
   * @param {{hint?: string, scale?: number}} [options]  a number is divided by `scale`
   */
  constructor(label, { value, ...attributes }, { hint = "", scale = 1 } = {}) {
    const id = `field-${(count += 1)}`;
    this.#scale = scale;
    this.#error = h("p", { class: "err", id: `${id}-error` });
    this.#input = h("input", { class: "input", id, "aria-describedby": `${id}-hint ${id}-error`, ...attributes });
    this.#input.value = value === null || value === undefined ? "" : String(value);
    const words = h("p", { class: "hint", id: `${id}-hint`, hidden: !hint }, hint);
    this.element = h("div", { class: "field" }, h("label", { class: "label", for: id }, label), this.#input, this.#error, words);
  }

  /** What was typed, null for nothing. */
  get text() {
    const typed = this.#input.type === "password" ? this.#input.value : this.#input.value.trim();
    return typed || null;
  }

  /** The number that was typed, null for none. */
  get number() {
    return this.text === null ? null : Number(this.text) / this.#scale;
  }

  /** @param {string} sentence  empty where nothing is wrong */
  refuse(sentence) {
    this.#error.textContent = sentence;
    this.#input.setAttribute("aria-invalid", String(sentence !== ""));
  }

  focus() {
    this.#input.focus();
  }
}

/** Checkboxes of which all, or some, are wanted. */
export class Choices {
  #labels;
  #boxes;
  element;

  /**
   * @param {string} legend
   * @param {string[]} labels
   * @param {string[] | null} chosen  null for all
   */
  constructor(legend, labels, chosen) {
    this.#labels = labels;
    this.#boxes = labels.map((label) => {
      const box = h("input", { type: "checkbox" });
      box.checked = chosen === null || chosen.includes(label);
      return box;
    });
    const checks = labels.map((label, at) => h("label", { class: "check" }, this.#boxes[at], label));
    this.element = h("fieldset", {}, h("legend", {}, legend), h("div", { class: "checks" }, ...checks));
  }

  /** @param {boolean} off */
  set disabled(off) {
    this.element.disabled = off;
  }

  get value() {
    const chosen = this.#labels.filter((_, at) => this.#boxes[at].checked);
    return chosen.length === this.#labels.length ? null : chosen;
  }
}
