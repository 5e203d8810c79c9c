// @ts-check
import { h, setVar } from "./dom.js";
import { percent } from "./format.js";

const LEAST = 5;
const MOST = 95;

/** The slider "Confidence at least", in whole percent. */
export class ConfidenceSlider {
  #output = h("output");
  #input;

  /**
   * @param {number} value  fraction
   * @param {(value: number) => void} onchange
   */
  constructor(value, onchange) {
    const id = `conf-${Math.random().toString(36).slice(2)}`;
    this.#input = h("input", {
      id,
      class: "range",
      type: "range",
      min: LEAST,
      max: MOST,
      step: 1,
      oninput: () => {
        this.#render();
        onchange(this.value);
      },
    });
    this.element = h(
      "div",
      { class: "field" },
      h("label", { class: "label", for: id }, "Confidence at least", " ", this.#output),
      this.#input,
    );
    this.value = value;
  }

  get value() {
    return Number(this.#input.value) / 100;
  }

  set value(fraction) {
    this.#input.value = String(Math.round(fraction * 100));
    this.#render();
  }

  focus() {
    this.#input.focus();
  }

  #render() {
    const value = Number(this.#input.value);
    this.#output.textContent = percent(value / 100);
    this.#input.setAttribute("aria-valuetext", `${value} percent`);
    setVar(this.#input, "--v", `${(100 * (value - LEAST)) / (MOST - LEAST)}%`);
  }
}
