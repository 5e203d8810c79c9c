// @ts-check
import { measurer, paint } from "./box-paint.js";
import { place } from "./boxes.js";
import { h } from "./dom.js";

/** @typedef {import("./types.js").Result} Result */
/** @typedef {import("./types.js").AlertDetections} AlertDetections */

const TEXT_PX = { least: 13, most: 16 };
const OLD_S = 0.5; // a box this far from the shown frame says nothing of it
const FRAME_S = 0.02; // what is shown may be a little before its own time

/** The boxes over a clip or a frame, drawn in the page from what the detector saw. */
export class ClipBoxes {
  element = h("canvas", { class: "ov", "aria-hidden": "true" });
  #observer = new ResizeObserver(() => this.#draw());
  #on = true;
  /** @type {{width: number, height: number, results: Result[]}} */
  #shown = { width: 1, height: 1, results: [] };

  get on() {
    return this.#on;
  }

  set on(value) {
    this.#on = value;
    this.#draw();
  }

  open() {
    this.#observer.observe(this.element);
  }

  close() {
    this.#observer.disconnect();
  }

  /**
   * @param {Result[]} results
   * @param {{width: number, height: number}} picture  in whose pixels the boxes are
   */
  show(results, { width, height }) {
    if (results === this.#shown.results && width === this.#shown.width) return;
    this.#shown = { width, height, results };
    this.#draw();
  }

  #draw() {
    const canvas = this.element;
    const { clientWidth, clientHeight } = canvas;
    const context = canvas.getContext("2d");
    if (!context || !clientWidth) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(clientWidth * ratio);
    canvas.height = Math.round(clientHeight * ratio);
    if (!this.#on || !this.#shown.results.length) return;
    const { width, height, results } = this.#shown;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const size = { width: width * scale, height: height * scale };
    const fontPx = Math.max(TEXT_PX.least, Math.min(TEXT_PX.most, size.height / 34));
    context.scale(ratio, ratio);
    context.translate((clientWidth - size.width) / 2, (clientHeight - size.height) / 2);
    const placed = place(results, { ...size, scale, fontPx, measure: measurer(fontPx) });
    for (const one of placed.reverse()) paint(context, one, { fontPx, edge: 2 });
  }
}

/** @type {Result[]} */
const NOTHING = [];

/**
 * What was seen at a moment: the newest results that are not too old.
 * @param {AlertDetections} detections
 * @param {number} t  seconds from the opening of the alert
 */
export function seenWhen({ frames }, t) {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle].t <= t + FRAME_S) low = middle + 1;
    else high = middle;
  }
  const frame = frames[low - 1];
  return frame && t - frame.t <= OLD_S ? frame.results : NOTHING;
}
