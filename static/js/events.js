// @ts-check
import { followEvents } from "./api.js";

const AGAIN_MS = { least: 2000, most: 30_000 };

/** The server's events, over the one connection of this page that all places share (a browser has six to an origin). */
export class ServerEvents {
  /** @type {Map<string, Set<(data: any) => void>>} */
  #takers = new Map();
  /** @type {EventSource | null} */
  #source = null;
  #againMs = AGAIN_MS.least;
  #timer = 0;
  #options;

  /** @param {{videos: boolean, cameras: boolean, alerts: boolean}} options  what it tells of */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Hears an event; "connected" comes whenever the connection stands again, as what was said before it is lost.
   * @param {string} name
   * @param {(data: any) => void} take
   */
  on(name, take) {
    const takers = this.#takers.get(name) ?? new Set();
    this.#takers.set(name, takers.add(take));
    if (takers.size === 1 && this.#source) this.#listen(this.#source, name);
  }

  open() {
    clearTimeout(this.#timer);
    const source = (this.#source = followEvents(this.#options));
    for (const name of this.#takers.keys()) this.#listen(source, name);
    source.addEventListener("open", () => {
      this.#againMs = AGAIN_MS.least;
      this.#tell("connected", null);
    });
    source.addEventListener("error", () => this.#broken(source));
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /**
   * @param {EventSource} source
   * @param {string} name
   */
  #listen(source, name) {
    if (name !== "connected") source.addEventListener(name, (event) => this.#tell(name, JSON.parse(event.data)));
  }

  /**
   * @param {string} name
   * @param {unknown} data
   */
  #tell(name, data) {
    for (const take of this.#takers.get(name) ?? []) take(data);
  }

  /**
   * A refusal ends an EventSource for good, a broken connection does not.
   * @param {EventSource} source
   */
  #broken(source) {
    if (source.readyState !== EventSource.CLOSED || source !== this.#source) return;
    this.#timer = setTimeout(() => this.open(), this.#againMs);
    this.#againMs = Math.min(AGAIN_MS.most, this.#againMs * 2);
  }
}
