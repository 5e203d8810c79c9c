// @ts-check
import { minuteOfDay } from "./format.js";
import { FreshnessMeter } from "./freshness.js";
import { cause, smallerInput, STALLED_MS } from "./grades.js";
import { Note } from "./note.js";
import { FreshnessStrip } from "./strip.js";

/** @typedef {import("./freshness.js").Reading} Reading */

const READ_EVERY_MS = 500;
const ABANDON_AFTER_MS = 8000;
const SPEAK_EVERY_MS = 5000;

/** Watches how fresh a live picture is and says it: in the strip, on the chip, in a sentence, and aloud. */
export class LiveWatch {
  #stage;
  #announcer;
  #others;
  #onsilent;
  #imgsz;
  /** @type {FreshnessMeter | null} */
  #meter = null;
  #timer = 0;
  #name = "Live";
  #transport = "";
  #ending = false;
  #said = "";
  strip = new FreshnessStrip();
  note = new Note();

  /**
   * @param {object} options
   * @param {import("./stage.js").Stage} options.stage
   * @param {import("./announcer.js").Announcer} options.announcer
   * @param {() => number} options.others  live sessions of other people on this server
   * @param {() => void} options.onsilent  no picture has come for so long that the connection is to be given up
   * @param {number} [options.imgsz]  the input size where nothing is in the way
   */
  constructor({ stage, announcer, others, onsilent, imgsz = 0 }) {
    this.#stage = stage;
    this.#announcer = announcer;
    this.#others = others;
    this.#onsilent = onsilent;
    this.#imgsz = imgsz;
  }

  /**
   * Begins to watch a picture that is there.
   * @param {{transport: string, stats: () => Promise<RTCStatsReport>}} session
   * @param {string} name  of what is live, for the chip
   */
  start(session, name) {
    this.#meter = new FreshnessMeter(() => session.stats());
    this.#transport = session.transport;
    this.#name = name;
    this.#said = "Fresh";
    this.#ending = false;
    this.strip.clear();
    this.#announcer.polite(`Live over ${this.#transport}`);
    this.#stage.showPicture(this.#chip("ok"));
    void this.#read();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#meter = null;
    this.note.hide();
  }

  /** @param {import("./types.js").DetectionMessage} message */
  add(message) {
    this.#meter?.add(message);
  }

  /**
   * The server is about to end.
   * @param {number} graceS
   * @param {() => void} reconnect  connects again afterwards
   */
  warnOfEnd(graceS, reconnect) {
    this.#ending = true;
    const heading = "The server is being restarted";
    const text = `Your session goes on until ${minuteOfDay(new Date(Date.now() + graceS * 1000))}.`;
    const onclick = () => {
      reconnect();
      this.note.show({ kind: "warn", heading, text: "Your camera connects again by itself afterwards." });
    };
    this.note.show({ kind: "warn", heading, text, action: { label: "Reconnect after", onclick } });
    this.#announcer.polite(`${heading}. ${text}`);
    this.#stage.setChip(this.#chip("ok"));
  }

  /** @param {"ok" | "warn" | "bad"} sign */
  #chip(sign) {
    if (this.#ending) return { sign: "warn", word: "Ending" };
    return sign === "ok" ? { sign, word: this.#name } : { sign: "warn", word: `${this.#name}, delayed` };
  }

  async #read() {
    const meter = this.#meter;
    const reading = await meter?.read().catch(() => null);
    if (!meter || meter !== this.#meter) return;
    this.#timer = setTimeout(() => this.#read(), READ_EVERY_MS);
    if (reading) this.#judge(reading);
  }

  /** @param {Reading} reading */
  #judge(reading) {
    if (reading.silentMs > ABANDON_AFTER_MS) return this.#onsilent();
    const { age, frames } = this.strip.update(reading, { now: performance.now(), transport: this.#transport });
    const stalled = reading.silentMs > STALLED_MS;
    this.#stage.setChip(stalled ? { sign: "bad", word: "Stalled" } : this.#chip(age.sign));
    this.#stage.element.classList.toggle("stale", stalled);
    const good = age.sign === "ok" && frames.sign === "ok";
    this.#explain(good ? smallerInput(reading, this.#imgsz) : cause(reading, this.#others()));
    if (age.word === this.#said) return;
    const words =
      age.sign === "ok"
        ? `Live over ${this.#transport}`
        : `${age.word}, ${Math.round(reading.ageMs ?? reading.silentMs)} milliseconds`;
    // what the limit holds back is said later, if it still holds then
    if (this.#announcer.polite(words, { kind: "freshness", everyMs: SPEAK_EVERY_MS })) this.#said = age.word;
  }

  /** @param {string} text */
  #explain(text) {
    if (this.#ending) return;
    if (text) this.note.show({ kind: "plain", text });
    else this.note.hide();
  }
}
