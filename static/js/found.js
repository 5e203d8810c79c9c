// @ts-check
import { colourOf } from "./boxes.js";
import { drawCrop, emptyCrop } from "./crop.js";
import { openDialog } from "./dialog.js";
import { h, setVar } from "./dom.js";
import { capital, percent } from "./format.js";

/** @typedef {import("./picture-check.js").Picture} Picture */
/** @typedef {import("./types.js").Result} Result */

/** The list of what was found in the picture, and how long that took. */
export class Found {
  #count = h("span", { class: "sub" });
  #list = h("ul", { class: "rows", role: "list" });
  #facts = h("dl", { class: "facts" });
  #onlower;
  #hint = h("div", { class: "teach" });
  element = h(
    "div",
    { class: "card found" },
    h("div", { class: "card-head" }, h("h2", {}, "Found"), this.#count),
    this.#list,
    this.#hint,
    h("div", { class: "pad line" }, this.#facts),
  );

  /** @param {() => void} onlower  the person wants to see weaker ones */
  constructor(onlower) {
    this.#onlower = onlower;
  }

  /**
   * @param {Picture} picture
   * @param {{results: Result[], threshold: number, noun: string}} shown
   */
  show(picture, { results, threshold, noun }) {
    this.#count.textContent = String(results.length);
    this.#list.replaceChildren(...results.map((result) => row(picture, result)));
    this.#list.hidden = !results.length;
    this.#hint.hidden = results.length > 0;
    const lower = h("button", { class: "link", type: "button", onclick: this.#onlower }, "Lower the confidence");
    this.#hint.replaceChildren(
      h("p", {}, h("b", {}, `No ${noun} found at ${percent(threshold)}.`)),
      h("p", {}, lower, " to see weaker ones."),
    );
    const { preprocess, inference, postprocess } = picture.answer.images[0].speed;
    const facts = [
      ["Prepare", tenths(preprocess)],
      ["Detect", tenths(inference)],
      ["Sort out", tenths(postprocess)],
      ["Model", String(picture.answer.metadata.model)],
    ];
    this.#facts.replaceChildren(...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }
}

/** @param {number} milliseconds */
const tenths = (milliseconds) => `${milliseconds.toFixed(1)} ms`;

/**
 * @param {Picture} picture
 * @param {Result} result
 */
function row(picture, result) {
  const { image, width, height } = picture;
  const { x1, y1, x2, y2 } = result.box;
  const name = capital(result.name);
  const crop = emptyCrop();
  drawCrop(crop, { source: image, width, height, box: result.box, outline: colourOf(result.class) });
  const where = `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} px at ${Math.round(x1)}, ${Math.round(y1)}`;
  const enlarge = () => {
    const large = h("canvas", { class: "large", width: crop.width, height: crop.height });
    large.getContext("2d")?.drawImage(crop, 0, 0);
    openDialog(name, large, h("p", {}, `${percent(result.confidence)}, ${where}`));
  };
  const bar = setVar(h("i"), "--v", `${Math.round(result.confidence * 100)}%`);
  const button = h(
    "button",
    { class: "crop-button", type: "button", "aria-label": `Show ${name} large`, onclick: enlarge },
    crop,
  );
  const element = h(
    "li",
    {},
    button,
    h("div", {}, h("div", { class: "t" }, name), h("div", { class: "m" }, where)),
    h("div", { class: "conf" }, h("span", {}, percent(result.confidence)), bar),
  );
  return result.class ? setVar(element, "--c", colourOf(result.class)) : element;
}
