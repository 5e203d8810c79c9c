// @ts-check
import { colourOf } from "./boxes.js";
import { openDialog } from "./dialog.js";
import { h, setVar } from "./dom.js";
import { thousands } from "./format.js";

const FEW = 3;

/** Which classes are shown: a toggle each while they are few, else a dialog with a search. */
export class ClassPicker {
  #labels;
  #onchange;
  /** @type {Set<number>} */
  #shown;
  #row = h("div", { class: "row" });

  /**
   * @param {string[]} labels
   * @param {(classes: number[] | null) => void} onchange  null for all
   */
  constructor(labels, onchange) {
    this.#labels = labels;
    this.#onchange = onchange;
    this.#shown = new Set(labels.keys());
    this.element = h(
      "div",
      { class: "field", role: "group", "aria-label": "Show" },
      h("span", { class: "label", "aria-hidden": "true" }, "Show"),
      this.#row,
    );
    this.#render();
  }

  /** The ids of the shown classes, null for all. */
  get value() {
    return this.#shown.size === this.#labels.length ? null : [...this.#shown].sort((a, b) => a - b);
  }

  set value(classes) {
    this.#shown = new Set(classes ?? this.#labels.keys());
    this.#render();
  }

  /** @param {number} id */
  has(id) {
    return this.#shown.has(id);
  }

  /**
   * @param {number} id
   * @param {boolean} on
   */
  #set(id, on) {
    if (on) this.#shown.add(id);
    else this.#shown.delete(id);
    this.#render();
    this.#onchange(this.value);
  }

  #render() {
    if (this.#labels.length > FEW) return this.#renderButton();
    if (!this.#row.childElementCount) this.#row.append(...this.#labels.map((label, id) => this.#toggle(label, id)));
    [...this.#row.children].forEach((toggle, id) => toggle.setAttribute("aria-pressed", String(this.#shown.has(id))));
  }

  /**
   * @param {string} label
   * @param {number} id
   */
  #toggle(label, id) {
    const swatch = setVar(h("span", { class: "sw" }), "--c", colourOf(id));
    return h("button", { class: "toggle", type: "button", onclick: () => this.#set(id, !this.#shown.has(id)) }, swatch, label);
  }

  #renderButton() {
    const words = `${thousands(this.#shown.size)} ${this.#shown.size === 1 ? "class" : "classes"}`;
    const [button] = this.#row.children;
    if (button) button.textContent = `Show: ${words}`;
    else
      this.#row.append(
        h("button", { class: "btn", type: "button", "aria-haspopup": "dialog", onclick: () => this.#open() }, `Show: ${words}`),
      );
  }

  #open() {
    const checks = this.#labels.map((label, id) => {
      const box = h("input", { type: "checkbox", onchange: () => this.#set(id, box.checked) });
      box.checked = this.#shown.has(id);
      return {
        label,
        box,
        element: h("label", { class: "check" }, box, setVar(h("span", { class: "sw" }), "--c", colourOf(id)), label),
      };
    });
    const filter = (/** @type {string} */ text) =>
      checks.forEach((check) => {
        check.element.hidden = !check.label.toLowerCase().includes(text.trim().toLowerCase());
      });
    const all = (/** @type {boolean} */ on) => {
      this.value = on ? null : [];
      checks.forEach((check) => {
        check.box.checked = on;
      });
      this.#onchange(this.value);
    };
    const search = h("input", {
      class: "input",
      type: "search",
      placeholder: "Search",
      "aria-label": "Search classes",
      oninput: () => filter(search.value),
    });
    const buttons = h(
      "div",
      { class: "row" },
      ...[true, false].map((on) =>
        h("button", { class: "btn small", type: "button", onclick: () => all(on) }, on ? "Show all" : "Show none"),
      ),
    );
    openDialog(
      "Show",
      search,
      buttons,
      h("div", { class: "checks", role: "group", "aria-label": "Classes" }, ...checks.map((check) => check.element)),
    );
    search.focus();
  }
}
