// @ts-check
import { alertAddress } from "./api.js";
import { opened, possible } from "./alert-words.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { capital, duration, percent } from "./format.js";

/** @typedef {import("./types.js").Alert} Alert */

const ZOOM = 5;
const MARGIN = 1.3; // of the box that is seen with what is around it, where five times is too much for the room
const SIZE = { width: 720, height: 540 };

/** The best frame enlarged around the box, and the numbers of the alert. */
export class BestFrame {
  #scale;
  #canvas = h("canvas", { class: "zoomed", role: "img", ...SIZE });
  #times = h("span");
  #open = h(
    "button",
    { class: "zoom", type: "button", title: "Show the full-size frame", onclick: () => this.enlarge() },
    this.#canvas,
    h("span", { class: "cap" }, this.#times),
  );
  #facts = h("dl", { class: "facts" });
  #observer = new ResizeObserver(() => this.#draw());
  /** @type {Alert | null} */
  #alert = null;
  /** @type {HTMLImageElement | null} */
  #image = null;

  /** @param {() => number} scale  pixels of the screen for one of the source, in the picture beside it */
  constructor(scale) {
    this.#scale = scale;
  }

  get elements() {
    return [this.#open, this.#facts];
  }

  open() {
    this.#observer.observe(this.#canvas);
  }

  close() {
    this.#observer.disconnect();
    this.#image = null;
  }

  /** @param {Alert} alert */
  show(alert) {
    if (this.#alert?.id !== alert.id) this.#image = null;
    this.#alert = alert;
    this.#canvas.setAttribute("aria-label", `Best frame enlarged, ${possible(alert)} at ${alert.source.name}`);
    const { x1, y1, x2, y2 } = alert.box;
    const facts = [
      ["Best confidence", percent(alert.confidence)],
      ["Frames", `${alert.hits} of ${alert.frames}`],
      ["Size", `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} px`],
      ["In view", duration(alert.in_view_s)],
    ];
    this.#facts.replaceChildren(
      ...facts.flatMap(([name, value], at) => [h("dt", {}, name), h("dd", {}, at ? value : h("b", {}, value))]),
    );
    this.#draw();
  }

  /** @param {HTMLImageElement} image  the best frame of the alert that is shown */
  set image(image) {
    this.#image = image;
    this.#draw();
  }

  /** The part of the frame that is shown: five times as large as in the picture beside it, or less for a large box. */
  #draw() {
    const [alert, image, context] = [this.#alert, this.#image, this.#canvas.getContext("2d")];
    const shown = this.#canvas.clientWidth;
    context?.clearRect(0, 0, SIZE.width, SIZE.height);
    if (!alert || !context || !shown) return;
    const { x1, y1, x2, y2 } = alert.box;
    const ratio = SIZE.width / SIZE.height;
    const scale = this.#scale() || 1;
    const wanted = Math.max(shown / (ZOOM * scale), MARGIN * Math.max(x2 - x1, ratio * (y2 - y1)));
    const w = Math.min(wanted, alert.width, alert.height * ratio);
    const zoom = shown / (w * scale);
    this.#times.replaceChildren(...(zoom >= 1.2 ? caption(zoom) : ["Best frame"]));
    if (!image?.naturalWidth) return;
    const size = { w, h: w / ratio };
    const x = Math.max(0, Math.min(alert.width - size.w, (x1 + x2 - size.w) / 2));
    const y = Math.max(0, Math.min(alert.height - size.h, (y1 + y2 - size.h) / 2));
    const pixels = image.naturalWidth / alert.width;
    const part = /** @type {const} */ ([x * pixels, y * pixels, size.w * pixels, size.h * pixels]);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, ...part, 0, 0, SIZE.width, SIZE.height);
  }

  /** Opens the whole frame in its own size. */
  enlarge() {
    const alert = this.#alert;
    if (!alert) return;
    const alt = `${capital(possible(alert))} at ${alert.source.name}, with its box`;
    const image = h("img", { class: "large", src: alertAddress(alert.id, "snapshot.jpg"), alt });
    const save = h(
      "a",
      { class: "btn", href: alertAddress(alert.id, "snapshot.jpg"), download: `${alert.id}.jpg` },
      "Save picture",
    );
    const title = `${alert.source.name}, ${opened(alert)}`;
    openDialog(title, image, h("p", {}, `Best frame, ${alert.width} × ${alert.height} px`), save).classList.add("frame");
  }
}

/** @param {number} zoom */
function caption(zoom) {
  const times = zoom >= 4.95 || zoom < 1.95 ? zoom.toFixed(1).replace(".0", "") : String(Math.floor(zoom));
  return [`${times} ×`, h("span", { class: "w" }, " enlarged, best frame")];
}
