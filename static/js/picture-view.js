// @ts-check
import { measurer, paint } from "./box-paint.js";
import { place } from "./boxes.js";
import { h, svg } from "./dom.js";

/** @typedef {import("./boxes.js").Placed} Placed */
/** @typedef {import("./types.js").Result} Result */

const TEXT_PX = { least: 13, most: 16 };

/** A picture with its boxes drawn over it in the page, so that filtering needs no request. */
export class PictureView {
  #overlay = svg("svg", { class: "ov", "aria-hidden": "true" });
  #holder = h("div", {}, this.#overlay);
  /** @type {{image: HTMLImageElement, width: number, height: number, results: Result[]} | null} */
  #shown = null;
  #observer = new ResizeObserver(() => this.#draw());
  /** Whether boxes are drawn. */
  #boxes = true;

  get element() {
    return this.#holder;
  }

  get boxes() {
    return this.#boxes;
  }

  set boxes(on) {
    this.#boxes = on;
    this.#draw();
  }

  open() {
    this.#observer.observe(this.#overlay);
  }

  close() {
    this.#observer.disconnect();
  }

  /**
   * @param {{image: HTMLImageElement, width: number, height: number}} picture
   * @param {Result[]} results
   */
  show({ image, width, height }, results) {
    this.#shown = { image, width, height, results };
    if (image.parentNode !== this.#holder) this.#holder.replaceChildren(image, this.#overlay);
    this.#draw();
  }

  clear() {
    this.#shown = null;
    this.#holder.replaceChildren(this.#overlay);
    this.#overlay.replaceChildren();
  }

  #draw() {
    const { clientWidth, clientHeight } = this.#overlay;
    if (!this.#shown || !clientWidth) return;
    const { width, height, results } = this.#shown;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const [shownWidth, shownHeight] = [width * scale, height * scale];
    const fontPx = Math.max(TEXT_PX.least, Math.min(TEXT_PX.most, shownHeight / 40));
    const placed = place(this.#boxes ? results : [], {
      width: shownWidth,
      height: shownHeight,
      scale,
      fontPx,
      measure: measurer(fontPx),
    });
    const offset = `translate(${(clientWidth - shownWidth) / 2} ${(clientHeight - shownHeight) / 2})`;
    this.#overlay.replaceChildren(svg("g", { transform: offset }, ...placed.reverse().map((one) => drawn(one, fontPx))));
  }
}

/**
 * @param {Placed} placed
 * @param {number} fontPx
 */
function drawn({ box, tag, text, colour, dashed }, fontPx) {
  const rect = { x: box.x, y: box.y, width: box.w, height: box.h, rx: 3 };
  const group = svg(
    "g",
    { class: dashed ? "bx dashed" : "bx" },
    svg("rect", { class: "case", ...rect }),
    svg("rect", { class: "edge", ...rect }),
    svg("rect", { class: "tag", x: tag.x, y: tag.y, width: tag.w, height: tag.h, rx: 3 }),
    svg("text", { x: tag.x + fontPx / 2, y: tag.y + tag.h / 2 + fontPx * 0.35, "font-size": `${fontPx}px` }, text),
  );
  group.style.setProperty("--c", colour);
  return group;
}

/**
 * The picture in its own size with boxes drawn in, as a PNG.
 * @param {{image: HTMLImageElement, width: number, height: number}} picture
 * @param {Result[]} results
 * @returns {Promise<Blob>}
 */
export function annotated({ image, width, height }, results) {
  const canvas = h("canvas", { width, height });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives no canvas.");
  context.drawImage(image, 0, 0, width, height);
  const fontPx = Math.max(14, Math.round(height / 45));
  const edge = Math.max(2, Math.round(height / 360));
  const placed = place(results, { width, height, scale: 1, fontPx, measure: measurer(fontPx) });
  for (const one of placed.reverse()) paint(context, one, { fontPx, edge });
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser.")))),
  );
}
