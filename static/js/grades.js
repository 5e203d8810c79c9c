// @ts-check
/** When a figure is good, weak or bad, and the word that says so. */

import { CAUSES, fillIn } from "./states.js";

/** @typedef {import("./freshness.js").Reading} Reading */
/** @typedef {{sign: "ok" | "warn" | "bad", word: string}} Grade */

export const FRESH_MS = 150;
const BEHIND_MS = 400;
export const STALLED_MS = 2000;
const HOLD_MS = 2000;

/**
 * @param {Reading} reading
 * @returns {Grade}
 */
export function gradeAge({ ageMs, silentMs }) {
  if (silentMs > STALLED_MS) return { sign: "bad", word: "Stalled" };
  if (ageMs === null || ageMs < FRESH_MS) return { sign: "ok", word: "Fresh" };
  return ageMs <= BEHIND_MS ? { sign: "warn", word: "Delayed" } : { sign: "bad", word: "Behind" };
}

/**
 * @param {Reading} reading
 * @returns {Grade}
 */
export function gradeFrames({ framesPerS }) {
  if (framesPerS >= 12) return { sign: "ok", word: "" };
  return framesPerS >= 5 ? { sign: "warn", word: "Few" } : { sign: "bad", word: "Very few" };
}

/**
 * @param {Reading} reading
 * @returns {Grade}
 */
export function gradeDetector({ detectorMs, sentPerS }) {
  const intervalMs = sentPerS > 0 ? 1000 / sentPerS : Infinity;
  if (detectorMs === null || detectorMs < (intervalMs * 2) / 3) return { sign: "ok", word: "" };
  return detectorMs <= intervalMs ? { sign: "warn", word: "Just enough" } : { sign: "bad", word: "Too slow for this camera" };
}

/**
 * The likeliest cause of a late or rare picture, in one sentence.
 * @param {Reading} reading
 * @param {number} others  other live sessions on the server
 */
export function cause(reading, others) {
  const { checkedPerS, sentPerS, lossPercent, rttMs, silentMs } = reading;
  if (silentMs > STALLED_MS) return fillIn(CAUSES.silent, { seconds: Math.floor(silentMs / 1000) });
  if (lossPercent >= 1) return fillIn(CAUSES.network, { loss: Math.round(lossPercent) });
  if (checkedPerS < 0.9 * sentPerS) {
    if (others > 0) return fillIn(others === 1 ? CAUSES.sharedOne : CAUSES.shared, { others });
    return fillIn(CAUSES.detector, { checked: checkedPerS, sent: Math.round(sentPerS) });
  }
  if (rttMs > FRESH_MS / 2) return fillIn(CAUSES.distance, { rtt: Math.round(rttMs) });
  if (sentPerS < 12) return fillIn(CAUSES.camera, { sent: Math.round(sentPerS) });
  return "";
}

/**
 * What a viewer has to know while the server keeps up by looking less closely; nothing while the size is full.
 * @param {Reading} reading
 * @param {number} full  the size where nothing is in the way
 */
export function smallerInput({ imgsz }, full) {
  return imgsz !== null && imgsz < full ? fillIn(CAUSES.smaller, { imgsz, full }) : "";
}

/** A grade that changes only after two seconds on the other side of a limit, so that no word flickers. */
export class Steady {
  #first;
  /** @type {Grade} */
  #shown;
  /** @type {Grade} */
  #next;
  #since = 0;

  /** @param {Grade} first */
  constructor(first) {
    this.#first = this.#shown = this.#next = first;
  }

  /** Begins anew. */
  clear() {
    this.#shown = this.#next = this.#first;
  }

  /**
   * @param {Grade} grade
   * @param {number} now  milliseconds
   */
  update(grade, now) {
    if (grade.word !== this.#next.word) this.#since = now;
    this.#next = grade;
    if (grade.word === "Stalled" || now - this.#since >= HOLD_MS) this.#shown = grade;
    return this.#shown;
  }
}
