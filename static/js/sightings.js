// @ts-check
import { openDialog } from "./dialog.js";
import { drawCrop, emptyCrop } from "./crop.js";
import { colourOf } from "./boxes.js";
import { h, setVar } from "./dom.js";
import { capital, duration, percent, timeOfDay } from "./format.js";
import { saveBlob, stamp } from "./clipboard.js";

/** @typedef {import("./types.js").DetectionMessage} DetectionMessage */
/** @typedef {import("./types.js").Result} Result */

const MOST = 50;
const RENDER_EVERY_MS = 250;
const OUT_OF_VIEW_MS = 600;
const CROP_EVERY_MS = 250;
const BETTER_BY = 0.02;

/** One tracked object: a row of the list. */
class Sighting {
  best = 0;
  cropConfidence = 0;
  cropAt = -Infinity;
  inView = true;
  listed = false;
  over = false;
  crop = emptyCrop();
  #title = h("span", { class: "st mark" }, "In view");
  #span = document.createTextNode("");
  #value = h("span");
  #bar = h("i");
  #button;

  /**
   * @param {Result} result
   * @param {number} now
   */
  constructor(result, now) {
    this.firstAt = this.lastAt = now;
    this.started = new Date();
    this.name = capital(result.name);
    this.id = result.track_id ?? 0;
    this.#button = h(
      "button",
      {
        class: "crop-button",
        type: "button",
        "aria-label": `Show ${this.name} #${this.id} large`,
        onclick: () => this.#enlarge(),
      },
      this.crop,
    );
    const time = h("time", { datetime: this.started.toISOString() }, timeOfDay(this.started));
    const text = h(
      "div",
      {},
      h("div", { class: "t" }, this.name, h("span", { class: "id" }, `#${this.id}`), this.#title),
      h("div", { class: "m" }, time, this.#span),
    );
    this.element = h("li", {}, this.#button, text, h("div", { class: "conf" }, this.#value, this.#bar));
    if (result.class) setVar(this.element, "--c", colourOf(result.class));
  }

  /** @param {number} now */
  render(now) {
    this.inView = !this.over && now - this.lastAt < OUT_OF_VIEW_MS;
    this.#title.hidden = !this.inView;
    this.#span.data = ` · ${duration((this.lastAt - this.firstAt) / 1000)}`;
    this.#value.textContent = percent(this.best);
    setVar(this.#bar, "--v", percent(this.best).replace(" ", ""));
  }

  #enlarge() {
    const large = h("canvas", { class: "large", width: this.crop.width, height: this.crop.height });
    large.getContext("2d")?.drawImage(this.crop, 0, 0);
    const name = `sightline-${stamp(this.started)}-${this.id}.png`;
    const save = () => large.toBlob((blob) => blob && saveBlob(blob, name));
    openDialog(
      `${this.name} #${this.id}`,
      large,
      h("p", {}, `${timeOfDay(this.started)}, best confidence ${percent(this.best)}`),
      h("button", { class: "btn", type: "button", onclick: save }, "Save picture"),
    );
  }
}

/** The list of what was seen: one line per tracked object, newest first, kept in this tab only. */
export class Sightings {
  #video;
  #announcer;
  /** @type {Map<number, Sighting>} */
  #byTrack = new Map();
  #count = 0;
  #seenAt = -Infinity;
  #told = true;
  #timer = 0;
  #list = h("ul", { class: "rows sightings", role: "list", onpointerleave: () => this.#render() });
  #counter = h("span", { class: "sub" });
  #clear = h("button", { class: "btn ghost small", type: "button", onclick: () => this.clear() }, "Clear");
  #teach;

  /**
   * @param {object} options
   * @param {HTMLVideoElement} options.video  the played video, from which the crops are cut
   * @param {import("./announcer.js").Announcer} options.announcer
   * @param {string} options.noun  what the lines are about: "firearm", or "object" for a model of many classes
   */
  constructor({ video, announcer, noun }) {
    this.#video = video;
    this.#announcer = announcer;
    this.#teach = h(
      "div",
      { class: "teach" },
      h("p", {}, h("b", {}, "Nothing seen yet.")),
      h("p", {}, `Each ${noun} that comes into view gets one line here, with its picture, time and best confidence.`),
    );
    const head = h(
      "div",
      { class: "card-head" },
      h("h2", { tabindex: -1 }, "Sightings"),
      this.#counter,
      h("div", { class: "end" }, this.#clear),
    );
    this.element = h(
      "aside",
      { class: "card railcard", "aria-label": "Sightings" },
      head,
      h("div", { class: "scroll" }, this.#list, this.#teach),
      h("p", { class: "card-foot" }, "Kept in this tab only, gone when you close it."),
    );
    this.#render();
  }

  /** @param {DetectionMessage} message */
  add(message) {
    const now = performance.now();
    for (const result of message.results) if (result.track_id != null) this.#see(result, message.shape, now);
    if (message.results.length) this.#seenAt = now;
    if (!this.#told && now - this.#seenAt > 3000) {
      this.#told = true;
      this.#announcer.polite("Nothing in view");
    }
    this.#timer ||= setTimeout(() => this.#render(), RENDER_EVERY_MS);
  }

  /** A new session numbers its tracks anew: what is listed stays, but nothing of it is in view. */
  endSession() {
    for (const sighting of this.#byTrack.values()) sighting.over = true;
    this.#render();
    this.#byTrack.clear();
    this.#told = true;
  }

  clear() {
    this.#byTrack.clear();
    this.#count = 0;
    this.#list.replaceChildren();
    this.#render();
    this.element.querySelector("h2")?.focus();
  }

  /**
   * @param {Result} result
   * @param {[number, number]} shape
   * @param {number} now
   */
  #see(result, shape, now) {
    const id = Number(result.track_id);
    let sighting = this.#byTrack.get(id);
    if (!sighting) {
      sighting = new Sighting(result, now);
      this.#byTrack.set(id, sighting);
      this.#count += 1;
      this.#told = false;
      this.#announcer.polite(`${sighting.name} in view, ${percent(result.confidence).replace(" %", " percent")}`, {
        kind: "sighting",
        everyMs: 5000,
      });
    }
    sighting.lastAt = now;
    sighting.best = Math.max(sighting.best, result.confidence);
    if (result.confidence > sighting.cropConfidence + BETTER_BY && now - sighting.cropAt > CROP_EVERY_MS)
      this.#grab(sighting, result, shape);
  }

  /**
   * @param {Sighting} sighting
   * @param {Result} result
   * @param {[number, number]} shape
   */
  #grab(sighting, result, [height, width]) {
    const video = this.#video;
    if (!video.videoWidth) return;
    sighting.cropConfidence = result.confidence;
    sighting.cropAt = performance.now();
    const scale = video.videoWidth / width;
    const { x1, y1, x2, y2 } = result.box;
    const box = { x1: x1 * scale, y1: y1 * scale, x2: x2 * scale, y2: y2 * scale };
    const draw = () => drawCrop(sighting.crop, { source: video, width: video.videoWidth, height: height * scale, box });
    draw();
    // the picture with this result in it is played two pictures later: one for the detector, one for the way
    video.requestVideoFrameCallback?.(() => video.requestVideoFrameCallback(draw));
  }

  #render() {
    clearTimeout(this.#timer);
    const sightings = [...this.#byTrack.values()];
    for (const sighting of sightings) sighting.render(performance.now());
    // also without a further message: what was in view is not for ever
    this.#timer = sightings.some((sighting) => sighting.inView) ? setTimeout(() => this.#render(), RENDER_EVERY_MS) : 0;
    // nothing moves under the pointer
    if (!this.#list.matches(":hover")) this.#insertNew();
    const empty = this.#count === 0;
    this.#list.hidden = this.#clear.hidden = empty;
    this.#teach.hidden = !empty;
    this.#counter.textContent = empty ? "" : `${this.#count} this session`;
  }

  #insertNew() {
    for (const sighting of this.#byTrack.values()) if (!sighting.listed) this.#list.prepend(sighting.element);
    for (const sighting of this.#byTrack.values()) sighting.listed = true;
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild?.remove();
    for (const [id, sighting] of this.#byTrack) if (!sighting.element.parentNode && !sighting.inView) this.#byTrack.delete(id);
  }
}
