// @ts-check
import { h, setVar, svg } from "./dom.js";

/** @typedef {import("./mask-regions.js").MaskRegions} MaskRegions */
/** @typedef {import("./types.js").Region} Region */

const SCALE = 1000;
const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});
const KIND_WORDS = { ignore: "Ignore", watch: "Watch" };
const whole = (/** @type {number} */ share) => Math.round(share * 100);

/** A picture with the regions of a mask on it: corners are buttons, moved by arrow keys or dragged. */
export class MaskSurface {
  #mask;
  #shapes = svg("svg", { class: "maskov", viewBox: `0 0 ${SCALE} ${SCALE}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  #corners = h("div", { class: "corners" });
  element;

  /**
   * @param {MaskRegions} mask
   * @param {{width: number, height: number, image: HTMLImageElement}} picture
   */
  constructor(mask, { width, height, image }) {
    this.#mask = mask;
    const label = "Picture. Click to add a corner, Enter closes the region, Delete removes the last corner.";
    const element = h("div", { class: "screen masksurface on-picture", tabindex: 0, role: "group", "aria-label": label });
    this.element = setVar(setVar(element, "--ratio", `${width} / ${height}`), "--w", String(width / height));
    element.append(image, this.#shapes, this.#corners);
    element.addEventListener("click", (event) => this.#click(event));
    element.addEventListener("keydown", (event) => this.#key(event));
    mask.addEventListener("change", () => this.#render());
    this.#render();
  }

  /** @param {{clientX: number, clientY: number}} event @returns {[number, number]} */
  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (/** @type {Element} */ (event.target).closest(".corner")) return;
    this.#mask.draw(...this.#place(event));
    this.element.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const corner = /** @type {HTMLElement} */ (event.target).closest(".corner");
    if (corner) return this.#cornerKey(event, /** @type {HTMLElement} */ (corner));
    if (event.key === "Enter") this.#mask.close();
    else if ((event.key === "Delete" || event.key === "Backspace") && this.#mask.open) this.#mask.undo();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {HTMLElement} corner
   */
  #cornerKey(event, corner) {
    const [region, at] = [Number(corner.dataset.region), Number(corner.dataset.corner)];
    const step = ARROWS[event.key];
    if (step) {
      const by = event.shiftKey ? 0.05 : 0.01;
      const [x, y] = this.#mask.regions[region].points[at];
      this.#mask.move(region, at, [x + step[0] * by, y + step[1] * by]);
    } else if (event.key === "Insert") {
      if (this.#mask.insert(region, at)) this.#focus(region, at + 1);
    } else if (event.key === "Delete") {
      this.#mask.removeCorner(region, at);
      this.#focus(region, Math.max(0, at - 1));
    } else return;
    event.preventDefault();
  }

  /**
   * @param {number} region
   * @param {number} corner
   */
  #focus(region, corner) {
    const button = this.#corners.querySelector(`[data-region="${region}"][data-corner="${corner}"]`);
    (/** @type {HTMLElement | null} */ (button) ?? this.element).focus();
  }

  #render() {
    const { regions, open } = this.#mask;
    this.#shapes.replaceChildren(hatch(), ...regions.map(shape), ...(open ? [drawn(open)] : []));
    const wanted = regions.flatMap(({ points }, region) => points.map((_, corner) => `${region}/${corner}`)).join();
    if (this.#corners.dataset.of !== wanted) {
      this.#corners.dataset.of = wanted;
      this.#corners.replaceChildren(...regions.flatMap(({ points }, region) => points.map((_, at) => this.#corner(region, at))));
    }
    for (const button of /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#corners.children)) {
      const [region, at] = [Number(button.dataset.region), Number(button.dataset.corner)];
      const { kind, points } = regions[region];
      const [x, y] = points[at];
      setVar(setVar(button, "--x", `${x * 100}%`), "--y", `${y * 100}%`);
      const where = `${whole(x)} % from the left, ${whole(y)} % from the top`;
      button.setAttribute("aria-label", `${KIND_WORDS[kind]} ${region + 1}, corner ${at + 1} of ${points.length}, ${where}`);
    }
  }

  /**
   * @param {number} region
   * @param {number} at
   */
  #corner(region, at) {
    const button = h("button", { class: "corner", type: "button", "data-region": region, "data-corner": at });
    button.addEventListener("pointerdown", (event) => {
      button.setPointerCapture(event.pointerId);
      this.#mask.settle();
    });
    button.addEventListener("pointermove", (event) => {
      if (button.hasPointerCapture(event.pointerId)) this.#mask.move(region, at, this.#place(event));
    });
    button.addEventListener("pointerup", () => this.#mask.settle());
    return button;
  }
}

/** @param {[number, number][]} points */
const path = (points) => points.map(([x, y]) => `${x * SCALE},${y * SCALE}`).join(" ");

/** @param {Region} region */
const shape = ({ kind, points }) => svg("polygon", { class: kind, points: path(points) });

/** @param {[number, number][]} points */
function drawn(points) {
  const dots = points.map(([x, y]) => svg("line", { class: "dot", x1: x * SCALE, y1: y * SCALE, x2: x * SCALE, y2: y * SCALE }));
  return svg("g", {}, svg("polyline", { class: "open", points: path(points) }), ...dots);
}

/** Stripes for what is ignored. */
function hatch() {
  const line = svg("path", { d: "M0 20 20 0", class: "stripe" });
  return svg("defs", {}, svg("pattern", { id: "hatch", width: 20, height: 20, patternUnits: "userSpaceOnUse" }, line));
}
