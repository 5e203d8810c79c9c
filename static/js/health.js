// @ts-check
import { ApiError, getInfo, getReady, tellsOfEnd } from "./api.js";

/** @typedef {import("./types.js").Info} Info */
/** @typedef {"ready" | "loading" | "busy" | "draining" | "signedOut" | "unreachable"} HealthState */

const EVERY_MS = 15_000;
const EVERY_MS_UNREADY = 2000;

/** Knows how the server is: asks every 15 s, every 2 s while it is not ready. Dispatches "change". */
export class Health extends EventTarget {
  /** @type {Info | null} */
  info = null;
  /** @type {HealthState} */
  state = "loading";
  #timer = 0;

  /** Asks at once and then regularly; resolves after the first answer. */
  async open() {
    document.addEventListener("visibilitychange", () => this.#again());
    await this.check();
  }

  /** Asks now. */
  async check() {
    clearTimeout(this.#timer);
    this.state = await this.#ask();
    this.dispatchEvent(new Event("change"));
    this.#timer = setTimeout(() => this.#again(), ["ready", "busy"].includes(this.state) ? EVERY_MS : EVERY_MS_UNREADY);
  }

  /** @returns {Promise<HealthState>} */
  async #ask() {
    try {
      this.info = await getInfo();
      await getReady();
      return this.info.active >= this.info.capacity ? "busy" : "ready";
    } catch (error) {
      if (!(error instanceof ApiError)) return "unreachable";
      if (error.status === 401) return this.#signedOut();
      if (error.status !== 503) return "unreachable";
      return tellsOfEnd(error) ? "draining" : "loading";
    }
  }

  /** @returns {HealthState} */
  #signedOut() {
    // before anything is shown the server's sign-in page takes over; later nothing that is on the screen is thrown away
    if (!this.info) location.reload();
    return "signedOut";
  }

  #again() {
    if (!document.hidden) void this.check();
  }
}
