// @ts-check
import { followEvents } from "./api.js";

const AGAIN_MS = { least: 2000, most: 30_000 };
const TICK_MS = 1000;
// in ticks, not by the clock: a page that slept has missed nothing that it could have heard
const LOST_AFTER = 8; // where a proxy has ended the connection the browser is back after two, on a slow network after some more
// what stands and says nothing is a network that is gone, which a browser notices late or never, or a proxy that holds it back
const ANEW_AFTER = { least: 15, most: 60 };
const OWN = ["connected", "lost", "mended"];

/** The server's events, over the one connection of this page that all places share (a browser has six to an origin). */
export class ServerEvents {
  /** @type {Map<string, Set<(data: any) => void>>} */
  #takers = new Map();
  /** @type {EventSource | null} */
  #source = null;
  #againMs = AGAIN_MS.least;
  #timer = 0;
  #ticking = 0;
  #silentTicks = 0;
  #anewAfter = ANEW_AFTER.least;
  #heardAt = Date.now();
  #lost = false;
  #options;
  /** Whether the last answer was that this page is told nothing. */
  refused = false;

  /** @param {{videos: boolean, cameras: boolean, alerts: boolean}} options  what it tells of */
  constructor(options) {
    this.#options = options;
  }

  /** For how many seconds nothing has been heard; 0 while all is well. */
  get silentS() {
    return this.#lost ? Math.round((Date.now() - this.#heardAt) / 1000) : 0;
  }

  /**
   * Hears an event. "connected" comes whenever the connection stands again, as what was said before it is lost; "lost" when
   * nothing has been heard for seconds, and "mended" when something is heard after all.
   * @param {string} name
   * @param {(data: any) => void} take
   */
  on(name, take) {
    const takers = this.#takers.get(name) ?? new Set();
    this.#takers.set(name, takers.add(take));
    if (takers.size === 1 && this.#source) this.#listen(this.#source, name);
  }

  /** Connects, anew where there is a connection. */
  open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#ticking ||= setInterval(() => this.#tick(), TICK_MS);
    const source = (this.#source = followEvents(this.#options));
    for (const name of this.#takers.keys()) this.#listen(source, name);
    source.addEventListener("open", () => {
      this.#againMs = AGAIN_MS.least;
      this.refused = false;
      if (!this.#options.cameras) this.#heard(); // else they come at once, unless a proxy holds them back
      this.#tell("connected", null);
    });
    source.addEventListener("error", () => this.#broken(source));
  }

  /** Connects at once, and soon again where that is refused: a person asks for it. */
  tryNow() {
    this.#againMs = AGAIN_MS.least;
    this.open();
  }

  close() {
    clearTimeout(this.#timer);
    clearInterval(this.#ticking);
    this.#ticking = 0;
    this.#source?.close();
    this.#source = null;
  }

  /**
   * @param {EventSource} source
   * @param {string} name
   */
  #listen(source, name) {
    if (OWN.includes(name)) return;
    source.addEventListener(name, (event) => {
      this.#heard();
      this.#tell(name, JSON.parse(event.data));
    });
  }

  #heard() {
    this.#silentTicks = 0;
    this.#anewAfter = ANEW_AFTER.least;
    this.#heardAt = Date.now();
    if (!this.#lost) return;
    this.#lost = false;
    this.#tell("mended", null);
  }

  /** The ages of cameras come once a second; without cameras only a connection that does not stand is silent. */
  #tick() {
    if (!this.#options.cameras && this.#source?.readyState === EventSource.OPEN) return void (this.#heardAt = Date.now());
    this.#silentTicks += 1;
    if (this.#silentTicks === LOST_AFTER) {
      this.#lost = true;
      this.#tell("lost", null);
    }
    if (this.#silentTicks < this.#anewAfter || this.refused) return;
    this.#anewAfter = this.#silentTicks + Math.min(ANEW_AFTER.most, this.#anewAfter * 2);
    this.open();
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
    this.refused = true;
    this.#timer = setTimeout(() => this.open(), this.#againMs);
    this.#againMs = Math.min(AGAIN_MS.most, this.#againMs * 2);
  }
}
