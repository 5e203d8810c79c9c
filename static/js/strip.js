// @ts-check
import { h, svg } from "./dom.js";
import { FRESH_MS, gradeAge, gradeDetector, gradeFrames, Steady } from "./grades.js";

/** @typedef {import("./freshness.js").Reading} Reading */
/** @typedef {import("./grades.js").Grade} Grade */

const POINTS = 120; // a minute, twice a second
const NONE = "–";

/** The freshness strip under a live picture: age, frames, detector, picture, transport. */
export class FreshnessStrip {
  #age = new Cell("Age", "ms", new Steady({ sign: "ok", word: "Fresh" }));
  #frames = new Cell("Frames", "/s", new Steady({ sign: "ok", word: "" }));
  #detector = new Cell("Detector", "ms", new Steady({ sign: "ok", word: "" }));
  #picture = new Cell("Picture", "");
  #transport = new Cell("Transport", "", new Steady({ sign: "ok", word: "" }));
  /** @type {number[]} */
  #line = [];
  #points = svg("polyline");
  #limit = svg("path", { class: "lim" });
  element = h("dl", { class: "strip card bleed", "aria-label": "Freshness", hidden: true });

  constructor() {
    const spark = h(
      "dd",
      { class: "spark", "aria-hidden": "true" },
      svg("svg", { class: "spark", viewBox: "0 0 100 40", preserveAspectRatio: "none" }, this.#limit, this.#points),
    );
    this.#age.element.append(spark);
    this.element.append(
      ...[this.#age, this.#frames, this.#detector, this.#picture, this.#transport].map((cell) => cell.element),
    );
  }

  /** Forgets the last minute and what was said of it. */
  clear() {
    this.#line = [];
    for (const cell of [this.#age, this.#frames, this.#detector, this.#transport]) cell.clear();
  }

  /**
   * Shows a reading and returns the words that hold for it.
   * @param {Reading} reading
   * @param {{now: number, transport: string}} at  now in milliseconds
   */
  update(reading, { now, transport }) {
    const age = this.#age.grade(gradeAge(reading), now);
    const frames = this.#frames.grade(gradeFrames(reading), now);
    this.#detector.grade(gradeDetector(reading), now);
    this.#age.set(rounded(reading.ageMs));
    this.#age.element.title =
      reading.ageP95Ms === null
        ? ""
        : `p95 ${Math.round(reading.ageP95Ms)} ms, ${reading.dropped} dropped of ${reading.received}`;
    this.#frames.set(reading.framesPerS.toFixed(1));
    this.#detector.set(rounded(reading.detectorMs));
    this.#picture.set(reading.width ? `${reading.width}×${reading.height}` : NONE);
    this.#transport.grade(gradeTransport(transport), now);
    this.#transport.set(transport, reading.codec);
    this.#draw(reading.ageMs);
    return { age, frames };
  }

  /** @param {number | null} ageMs */
  #draw(ageMs) {
    this.#line = [...this.#line, ageMs ?? this.#line[this.#line.length - 1] ?? 0].slice(-POINTS);
    const top = Math.max(200, ...this.#line) * 1.05;
    const y = (/** @type {number} */ value) => (39 - (38 * value) / top).toFixed(1);
    const x = (/** @type {number} */ at) => ((100 * (at + POINTS - this.#line.length)) / (POINTS - 1)).toFixed(1);
    this.#points.setAttribute("points", this.#line.map((value, at) => `${x(at)},${y(value)}`).join(" "));
    this.#limit.setAttribute("d", `M0 ${y(FRESH_MS)}H100`);
  }
}

/**
 * A triangle beside the name of a fall-back, which in words only a screen reader needs.
 * @param {string} transport
 * @returns {Grade}
 */
const gradeTransport = (transport) =>
  transport === "WebRTC" ? { sign: "ok", word: "" } : { sign: "warn", word: " for networks without WebRTC" };

/** @param {number | null} value */
const rounded = (value) => (value === null ? NONE : String(Math.round(value)));

/** One figure with its name, its unit and, where it is graded, a sign and a word. */
class Cell {
  #steady;
  #sign = h("span", { class: "st", hidden: true });
  #value = document.createTextNode(NONE);
  #unit;

  /**
   * @param {string} name
   * @param {string} unit
   * @param {Steady} [steady]
   */
  constructor(name, unit, steady) {
    this.#steady = steady;
    this.#unit = h("small", { class: unit ? null : "opt" }, unit);
    this.element = h(
      "div",
      { "data-cell": name.toLowerCase() },
      h("dt", {}, name, steady && this.#sign),
      h("dd", {}, this.#value, " ", this.#unit),
    );
  }

  /** Forgets how it was graded. */
  clear() {
    this.#steady?.clear();
  }

  /**
   * @param {Grade} grade
   * @param {number} now
   */
  grade(grade, now) {
    const shown = this.#steady?.update(grade, now) ?? grade;
    if (this.#sign.dataset.word === shown.word) return shown;
    this.#sign.dataset.word = shown.word;
    const [short, rest] = shown.word.split(" for ");
    this.#sign.replaceChildren(short, rest ? h("span", { class: "vh" }, ` for ${rest}`) : "");
    this.#sign.className = `st ${shown.sign}`;
    this.#sign.hidden = !shown.word;
    return shown;
  }

  /**
   * @param {string} value
   * @param {string} [unit]
   */
  set(value, unit) {
    if (this.#value.data !== value) this.#value.data = value;
    if (unit !== undefined && this.#unit.textContent !== unit) this.#unit.textContent = unit;
  }
}
