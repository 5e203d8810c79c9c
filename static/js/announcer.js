// @ts-check
import { byId } from "./dom.js";

/** Speaks to screen readers through the two live regions of the page, each kind of message at most once per interval. */
export class Announcer {
  /** @type {Map<string, number>} */
  #lastAt = new Map();
  #clock;

  /** @param {() => number} [clock]  milliseconds */
  constructor(clock = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * Says something when the reader is free; returns whether it did.
   * @param {string} text
   * @param {{kind?: string, everyMs?: number}} [limit]  messages of one kind closer than this are left out
   */
  polite(text, { kind = text, everyMs = 0 } = {}) {
    const now = this.#clock();
    if (now - (this.#lastAt.get(kind) ?? -Infinity) < everyMs) return false;
    this.#lastAt.set(kind, now);
    byId("polite").textContent = text;
    return true;
  }

  /**
   * Interrupts.
   * @param {string} text
   */
  assertive(text) {
    byId("assertive").textContent = text;
  }
}
