// @ts-check
import { h, setVar, svg } from "./dom.js";
import { areaPath } from "./lanes.js";

/** @typedef {import("./lanes.js").Lane} Lane */

const HEIGHT = 36;
const STEP_S = { short: 1, long: 5 };

/** The line under a clip: when something was seen, where the alert was, and a slider that moves through it. */
export class ClipLane {
  #onseek;
  #durationS = 0;
  #t = 0;
  #drawing = svg("svg", { viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  #alert = h("span", { class: "trig" }, h("em", {}, "alert"));
  #head = h("i", { class: "playhead" });
  #lane = h("div", { class: "lane" }, this.#drawing);
  #slider = h(
    "div",
    { class: "slider", role: "slider", "aria-label": "Position in the clip", "aria-valuemin": 0, tabindex: 0 },
    this.#lane,
    this.#alert,
    this.#head,
  );
  element = h("div", { class: "cliplane card" }, this.#slider);

  /** @param {(t: number) => void} onseek  seconds from the start of the clip */
  constructor(onseek) {
    this.#onseek = onseek;
    const slider = this.#slider;
    slider.addEventListener("keydown", (event) => this.#press(event));
    slider.addEventListener("pointerdown", (event) => {
      if (event.button || !this.#durationS) return;
      slider.setPointerCapture(event.pointerId);
      this.#onseek(this.#under(event));
    });
    slider.addEventListener("pointermove", (event) => {
      if (slider.hasPointerCapture(event.pointerId)) this.#onseek(this.#under(event));
    });
  }

  /**
   * @param {Lane[]} lanes
   * @param {{durationS: number, alertS: number, frameS: number}} clip
   */
  show(lanes, { durationS, alertS, frameS }) {
    this.#durationS = durationS;
    this.#slider.setAttribute("aria-valuemax", durationS.toFixed(1));
    this.#slider.removeAttribute("aria-disabled");
    this.#slider.tabIndex = 0;
    this.#alert.hidden = this.#head.hidden = false;
    const share = Math.min(1, alertS / durationS);
    setVar(this.#alert, "--x", `${share * 100}%`);
    this.#alert.classList.toggle("early", share < 0.15);
    const shapes = lanes
      .flatMap(({ spans }) => spans)
      .flatMap((span) => {
        const x = (span.from / durationS) * 1000;
        const width = Math.max(2, ((Math.min(durationS, span.to + frameS) - span.from) / durationS) * 1000);
        const path = svg("path", { d: areaPath(span, { durationS, height: HEIGHT, frameS }) });
        return [path, svg("rect", { x, width, y: HEIGHT - 2, height: 2 })];
      });
    this.#drawing.replaceChildren(...shapes);
  }

  /** Without a clip there is nothing to move through. */
  clear() {
    this.#durationS = 0;
    this.#drawing.replaceChildren();
    this.#alert.hidden = this.#head.hidden = true;
    this.#slider.tabIndex = -1;
    this.#slider.setAttribute("aria-disabled", "true");
    this.#slider.setAttribute("aria-valuenow", "0");
    this.#slider.setAttribute("aria-valuetext", "no clip yet");
  }

  /** @param {number} t  seconds */
  at(t) {
    if (!this.#durationS) return;
    this.#t = t;
    setVar(this.#head, "--v", `${Math.min(1, t / this.#durationS) * 100}%`);
    this.#slider.setAttribute("aria-valuenow", t.toFixed(1));
    this.#slider.setAttribute("aria-valuetext", `${t.toFixed(1)} of ${Math.round(this.#durationS)} seconds`);
  }

  /** @param {PointerEvent} event */
  #under({ clientX }) {
    const { left, width } = this.#slider.getBoundingClientRect();
    return Math.max(0, Math.min(1, (clientX - left) / width)) * this.#durationS;
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (!this.#durationS || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? STEP_S.long : STEP_S.short;
    /** @type {Record<string, number>} */
    const to = {
      ArrowLeft: this.#t - step,
      ArrowDown: this.#t - step,
      ArrowRight: this.#t + step,
      ArrowUp: this.#t + step,
      Home: 0,
      End: this.#durationS,
    };
    if (!(event.key in to)) return;
    event.preventDefault();
    this.#onseek(Math.max(0, Math.min(this.#durationS, to[event.key])));
  }
}
