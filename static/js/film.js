// @ts-check
import { h } from "./dom.js";

/** @typedef {import("./picture-check.js").Picture} Picture */

const MOST = 12;

/** The last pictures of this tab; a click shows one again. */
export class Film {
  #onpick;
  /** @type {Map<Picture, {element: HTMLElement, button: HTMLButtonElement, count: HTMLElement}>} */
  #frames = new Map();
  element = h("ul", { class: "film", role: "list", "aria-label": "Pictures in this tab" });

  /** @param {(picture: Picture) => void} onpick */
  constructor(onpick) {
    this.#onpick = onpick;
  }

  /** @param {Picture} picture */
  add(picture) {
    const count = h("span", { class: "st" });
    const button = h(
      "button",
      { class: "ft", type: "button", onclick: () => this.#onpick(picture) },
      thumbnail(picture),
      h("span", { class: "m" }, picture.name),
      count,
    );
    const element = h("li", {}, button);
    this.#frames.set(picture, { element, button, count });
    this.element.prepend(element);
    if (this.#frames.size > MOST) this.#drop(this.#frames.keys().next().value);
  }

  /** @param {Picture | undefined} oldest */
  #drop(oldest) {
    if (!oldest) return;
    this.#frames.get(oldest)?.element.remove();
    this.#frames.delete(oldest);
    URL.revokeObjectURL(oldest.image.src);
  }

  /**
   * @param {Picture | null} current
   * @param {(picture: Picture) => number} found  how many are found in it by the settings that hold
   */
  render(current, found) {
    for (const [picture, { button, count }] of this.#frames) {
      const number = found(picture);
      count.className = `st ${number ? "mark" : "off"}`;
      count.textContent = String(number);
      if (picture === current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }
}

/** @param {Picture} picture */
function thumbnail({ image, width, height }) {
  const canvas = h("canvas", { class: "th", width: 320, height: 180, "aria-hidden": "true" });
  const scale = Math.max(canvas.width / width, canvas.height / height);
  const [w, hgt] = [canvas.width / scale, canvas.height / scale];
  canvas.getContext("2d")?.drawImage(image, (width - w) / 2, (height - hgt) / 2, w, hgt, 0, 0, canvas.width, canvas.height);
  return canvas;
}
