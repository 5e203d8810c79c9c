// @ts-check
import { h, icon } from "./dom.js";

/** @typedef {import("./mask-regions.js").MaskRegions} MaskRegions */

const percent = (/** @type {number} */ share) => String(Math.round(share * 1000) / 10);

/** The regions of a mask as numbers to type, so that nothing has to be dragged. */
export class MaskList {
  #mask;
  #shape = "";
  element = h("div", { class: "masklist" });

  /** @param {MaskRegions} mask */
  constructor(mask) {
    this.#mask = mask;
    mask.addEventListener("change", () => this.#render());
    this.#render();
  }

  #render() {
    const { regions } = this.#mask;
    const shape = regions.map(({ kind, points }) => `${kind}${points.length}`).join();
    if (shape !== this.#shape || !this.element.childElementCount) {
      this.#shape = shape;
      const none = h("p", { class: "hint" }, "No regions: the whole picture counts.");
      this.element.replaceChildren(...(regions.length ? regions.map((_, at) => this.#region(at)) : [none]));
    }
    for (const input of this.element.querySelectorAll("input")) {
      const [region, corner, axis] = (input.dataset.at ?? "").split("/").map(Number);
      if (input !== document.activeElement) input.value = percent(regions[region].points[corner][axis]);
    }
  }

  /** @param {number} at */
  #region(at) {
    const { kind, points } = this.#mask.regions[at];
    const onchange = () => this.#mask.setKind(at, select.value === "watch" ? "watch" : "ignore");
    const select = h(
      "select",
      { "aria-label": `Kind of region ${at + 1}`, onchange },
      h("option", { value: "ignore", selected: kind === "ignore" }, "Ignore"),
      h("option", { value: "watch", selected: kind === "watch" }, "Watch"),
    );
    const remove = h(
      "button",
      { class: "btn ghost icon small", type: "button", "aria-label": `Delete region ${at + 1}`, onclick: () => this.#remove(at) },
      icon("trash"),
    );
    const kinds = h("span", { class: "select" }, select, icon("down", "s"));
    const head = h("div", { class: "regionhead" }, h("b", {}, String(at + 1)), kinds, remove);
    const corners = points.map((_, corner) => h("li", {}, this.#number(at, corner, 0), this.#number(at, corner, 1)));
    return h("section", { class: "region", "aria-label": `Region ${at + 1}` }, head, h("ol", {}, ...corners));
  }

  /** @param {number} at */
  #remove(at) {
    this.#mask.remove(at);
    const next = this.element.querySelectorAll(".region .btn")[Math.max(0, at - 1)];
    /** @type {HTMLElement | undefined} */ (next)?.focus();
  }

  /**
   * @param {number} region
   * @param {number} corner
   * @param {0 | 1} axis
   */
  #number(region, corner, axis) {
    const word = axis === 0 ? "from the left" : "from the top";
    const label = `Region ${region + 1}, corner ${corner + 1}, % ${word}`;
    const attributes = { class: "input", type: "number", min: 0, max: 100, step: "any", "aria-label": label };
    const onchange = () => this.#type(region, corner, axis, Number(input.value));
    const input = h("input", { ...attributes, "data-at": `${region}/${corner}/${axis}`, onchange });
    return input;
  }

  /**
   * @param {number} region
   * @param {number} corner
   * @param {0 | 1} axis
   * @param {number} value  percent
   */
  #type(region, corner, axis, value) {
    const [x, y] = this.#mask.regions[region].points[corner];
    this.#mask.settle();
    this.#mask.move(region, corner, axis === 0 ? [value / 100, y] : [x, value / 100]);
  }
}
