// @ts-check
import { colourOf } from "./boxes.js";
import { h, icon, setVar, svg } from "./dom.js";
import { capital, countOf, duration, percent, playTime } from "./format.js";
import { areaPath, seenAt, seenS } from "./lanes.js";

/** @typedef {import("./lanes.js").Lane} Lane */

const HEIGHT = 36;
const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];
const MOST_TICKS = 7;

/**
 * @typedef {object} Shown
 * @property {Lane[]} lanes
 * @property {number} durationS
 * @property {number} frameS  from one checked frame to the next
 * @property {number} fps  frames of the video in a second
 */

/**
 * @typedef {object} Handlers
 * @property {(t: number) => void} onseek
 * @property {(t: number, canvas: HTMLCanvasElement) => void} onlook  wants the picture at a time
 * @property {(step: 1 | -1) => void} onsighting
 */

/** When firearms were seen in a video: a lane for each class, and a slider over them that moves through it. */
export class Timeline {
  #on;
  #noun;
  /** @type {Shown | null} */
  #shown = null;
  #t = 0;
  #sub = h("span", { class: "sub" });
  #head = h("i", { class: "playhead" });
  #checked = h("i", { class: "unchecked", hidden: true });
  #lanes = h("div", { class: "lane-rows", "aria-hidden": "true" });
  #ticks = h("div", { class: "ticks", "aria-hidden": "true" });
  #tipText = h("span");
  #look = h("canvas", { width: 192, height: 108 });
  #tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" }, this.#look, this.#tipText);
  #slider = h(
    "div",
    { class: "slider", role: "slider", "aria-label": "Position", "aria-valuemin": 0, tabindex: 0 },
    this.#lanes,
    this.#checked,
    this.#head,
    this.#tip,
  );
  #steps = h("div", { class: "end row" });

  /**
   * @param {string} noun
   * @param {Handlers} on
   */
  constructor(noun, on) {
    this.#noun = noun;
    this.#on = on;
    const step = (/** @type {1 | -1} */ by, /** @type {string} */ label, /** @type {Element} */ sign) =>
      h(
        "button",
        { class: "btn ghost small icon", type: "button", "aria-label": label, title: label, onclick: () => on.onsighting(by) },
        sign,
      );
    this.#steps.append(step(-1, "Previous sighting", icon("left")), step(1, "Next sighting", icon("right")));
    const head = h("div", { class: "tl-head" }, h("h2", {}, `Where ${noun}s were seen`), this.#sub, this.#steps);
    this.element = h("div", { class: "card tl", role: "group", "aria-label": "Timeline" }, head, this.#slider, this.#ticks);
    this.#listen();
  }

  /**
   * Shows what was found in a whole video.
   * @param {Shown} shown
   * @param {{sightings: number, threshold: number}} found
   */
  show(shown, { sightings, threshold }) {
    this.#fill(shown);
    this.#checked.hidden = true;
    this.#steps.hidden = !sightings;
    this.#sub.textContent = sightings
      ? `${countOf(sightings, "sighting")}, ${inAll(seenS(shown.lanes, shown.frameS))} in all`
      : `No ${this.#noun} found at ${percent(threshold)}`;
    this.#slider.tabIndex = 0;
    this.#slider.removeAttribute("aria-disabled");
    this.#head.hidden = false;
    this.at(0);
  }

  /**
   * Shows how far a video is checked, and what was found up to there.
   * @param {Shown} shown
   * @param {{progress: number, text: string}} checked
   */
  grow(shown, { progress, text }) {
    this.#fill(shown);
    this.#checked.hidden = false;
    setVar(this.#checked, "--v", `${progress * 100}%`);
    this.#steps.hidden = this.#head.hidden = this.#tip.hidden = true;
    this.#sub.textContent = text;
    this.#slider.tabIndex = -1;
    this.#slider.setAttribute("aria-disabled", "true");
    this.#slider.setAttribute("aria-valuenow", String(Math.round(progress * shown.durationS)));
    this.#slider.setAttribute("aria-valuetext", `Checked up to ${playTime(progress * shown.durationS)}`);
  }

  /**
   * Moves the playhead.
   * @param {number} t  seconds
   */
  at(t) {
    if (!this.#shown) return;
    this.#t = t;
    const { durationS } = this.#shown;
    setVar(this.#head, "--v", `${Math.min(1, t / durationS) * 100}%`);
    const [now, text] = [t.toFixed(1), `${playTime(t)} of ${playTime(durationS)}${this.#seen(t)}`];
    if (this.#slider.getAttribute("aria-valuetext") !== text) this.#slider.setAttribute("aria-valuetext", text);
    this.#slider.setAttribute("aria-valuenow", now);
  }

  /** @param {number} t */
  #seen(t) {
    const { lanes = [], frameS = 0 } = this.#shown ?? {};
    const seen = seenAt(lanes, t, frameS);
    return seen ? `, ${seen.name} ${percent(seen.confidence)}` : "";
  }

  /** @param {Shown} shown */
  #fill(shown) {
    this.#shown = shown;
    const { lanes, durationS } = shown;
    this.#slider.setAttribute("aria-valuemax", durationS.toFixed(1));
    const several = lanes.length > 1;
    this.#lanes.replaceChildren(
      ...(lanes.length ? lanes.map((lane) => this.#lane(lane, several)) : [h("div", { class: "lane" })]),
    );
    this.#lanes.classList.toggle("many", lanes.length > 4);
    this.#ticks.replaceChildren(...ticks(durationS));
  }

  /**
   * @param {Lane} lane
   * @param {boolean} named
   */
  #lane(lane, named) {
    const { durationS, frameS } = /** @type {Shown} */ (this.#shown);
    const drawing = svg("svg", { viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: "none" });
    for (const span of lane.spans) {
      const x = (span.from / durationS) * 1000;
      const width = Math.max(2, ((span.to + frameS - span.from) / durationS) * 1000);
      drawing.append(
        svg("path", { d: areaPath(span, { durationS, height: HEIGHT, frameS }) }),
        svg("rect", {
          x,
          width: Math.min(width, 1000 - x),
          y: HEIGHT - 2,
          height: 2,
          "data-start": span.from,
          "data-end": span.to,
        }),
      );
    }
    const element = h("div", { class: "lane", "data-class": lane.name }, drawing, named && h("b", {}, capital(lane.name)));
    if (!lane.class) return element;
    element.classList.add("own");
    return setVar(element, "--c", colourOf(lane.class));
  }

  #listen() {
    const slider = this.#slider;
    const seek = (/** @type {PointerEvent} */ event) => this.#on.onseek(this.#under(event));
    slider.addEventListener("keydown", (event) => this.#press(event));
    slider.addEventListener("pointerdown", (event) => {
      if (event.button || !this.#live) return;
      slider.setPointerCapture(event.pointerId);
      seek(event);
    });
    slider.addEventListener("pointermove", (event) => {
      if (!this.#live) return;
      if (slider.hasPointerCapture(event.pointerId)) seek(event);
      this.#hover(event);
    });
    for (const end of /** @type {const} */ (["pointerleave", "pointercancel"]))
      slider.addEventListener(end, () => {
        this.#tip.hidden = true;
      });
  }

  /** Whether there is a video to move through. */
  get #live() {
    return this.#slider.tabIndex === 0 && this.#shown !== null;
  }

  /**
   * The time under the pointer.
   * @param {PointerEvent} event
   */
  #under({ clientX }) {
    const { left, width } = this.#slider.getBoundingClientRect();
    return Math.max(0, Math.min(1, (clientX - left) / width)) * (this.#shown?.durationS ?? 0);
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    const t = this.#under(event);
    const { width, left } = this.#slider.getBoundingClientRect();
    this.#tip.hidden = false;
    this.#tipText.textContent = `${playTime(t, { tenths: true })} · frame ${Math.round(t * (this.#shown?.fps ?? 0))}${this.#seen(t)}`;
    const half = this.#tip.offsetWidth / 2;
    setVar(this.#tip, "--x", `${Math.max(half, Math.min(width - half, event.clientX - left))}px`);
    this.#on.onlook(t, this.#look);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (!this.#live || event.ctrlKey || event.metaKey || event.altKey) return;
    const end = this.#shown?.durationS ?? 0;
    /** @type {Record<string, number>} */
    const to = {
      ArrowLeft: this.#t - (event.shiftKey ? 10 : 1),
      ArrowDown: this.#t - (event.shiftKey ? 10 : 1),
      ArrowRight: this.#t + (event.shiftKey ? 10 : 1),
      ArrowUp: this.#t + (event.shiftKey ? 10 : 1),
      PageDown: this.#t - 10,
      PageUp: this.#t + 10,
      Home: 0,
      End: end,
    };
    if (!(event.key in to)) return;
    event.preventDefault();
    this.#on.onseek(Math.max(0, Math.min(end, to[event.key])));
  }
}

/** @param {number} seconds */
const inAll = (seconds) => (seconds < 10 ? duration(seconds) : duration(Math.round(seconds)).replace(".0", ""));

/** @param {number} durationS */
function ticks(durationS) {
  const step = STEPS_S.find((one) => durationS / one <= MOST_TICKS) ?? durationS / MOST_TICKS;
  const times = [];
  for (let t = 0; t < durationS * 0.96; t += step) times.push(t); // the last one would stand out at the end
  return times.map((t) => setVar(h("span", {}, playTime(t)), "--x", `${(t / durationS) * 100}%`));
}
