// @ts-check
import { h } from "./dom.js";

const PATIENCE_MS = 5000; // a picture that does not come by then lets the others go first
const TRIES = 5; // a machine that is only busy has its moment in so many; what does not come by then is left out
const PAUSE_MS = 1000; // a server that is too busy to answer is so for longer than an instant
const GONE = 10; // loads in a row that fail: there is no such video any more, and all its pictures are left out
const SAME_S = 0.005; // less than half a frame: browsers may round where they stand

/**
 * @typedef {object} Wish
 * @property {number} t  seconds
 * @property {(video: HTMLVideoElement) => void} draw
 * @property {number} tries  that it has left
 */

/** Takes single pictures out of a video, one after the other, without touching the player. */
export class FrameReader {
  #video = h("video", { preload: "metadata", playsinline: true });
  /** @type {Wish | null} */
  #look = null;
  /** @type {Wish[]} */
  #waiting = [];
  #working = false;
  #failed = 0;
  #address = "";
  /** Ends the read that is under way. */
  #reading = new AbortController();

  constructor() {
    this.#video.muted = true;
  }

  /** @param {string} address */
  open(address) {
    this.close();
    this.#address = address;
  }

  close() {
    this.#address = "";
    this.#waiting = [];
    this.#failed = 0;
    this.#look = null;
    this.#reading.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /**
   * Has the picture at a time drawn, in its turn; one that does not come has another turn after all others.
   * @param {number} t  seconds
   * @param {(video: HTMLVideoElement) => void} draw
   */
  get(t, draw) {
    this.#waiting.push({ t, draw, tries: TRIES });
    void this.#work();
  }

  /**
   * Has the picture at a time drawn before all that wait; only the newest wish counts, and once.
   * @param {number} t  seconds
   * @param {HTMLCanvasElement} canvas
   */
  look(t, canvas) {
    const draw = (/** @type {HTMLVideoElement} */ video) => {
      canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth) || canvas.height;
      canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
    };
    this.#look = { t, draw, tries: 1 };
    void this.#work();
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    for (let wish = this.#next(); wish; wish = this.#next()) await this.#read(wish);
    this.#working = false;
  }

  #next() {
    const look = this.#look;
    this.#look = null;
    return look ?? this.#waiting.shift();
  }

  /** @param {Wish} wish */
  async #read({ t, draw, tries }) {
    if (!this.#address) return;
    const { signal } = (this.#reading = new AbortController());
    const came = await this.#finds(t);
    if (signal.aborted) return;
    this.#failed = this.#video.error ? this.#failed + 1 : 0;
    if (came) return draw(this.#video);
    if (this.#failed >= GONE) this.#waiting = [];
    else if (tries > 1) this.#waiting.push({ t, draw, tries: tries - 1 });
    if (this.#video.error) await this.#pause();
  }

  /**
   * Whether the video comes to stand at a time, with its picture.
   * @param {number} t
   */
  async #finds(t) {
    const video = this.#video;
    // after an error only a new load helps; one that is just slow goes on
    if (video.error || video.getAttribute("src") !== this.#address) video.src = this.#address;
    const known = await this.#comes("loadedmetadata", () => video.readyState > 0);
    if (!known || this.#reading.signal.aborted) return false;
    const wanted = Math.min(t, video.duration);
    const near = () => Math.abs(video.currentTime - wanted) < SAME_S;
    const stands = () => near() && !video.seeking && video.readyState > 1;
    if (!stands() && !(near() && video.seeking)) video.currentTime = wanted;
    return this.#comes("seeked", stands);
  }

  /**
   * Whether it is so before anything that ends the wait; nothing of the wait is left then.
   * @param {"loadedmetadata" | "seeked"} name  of what may bring it: a seek that was given up tells its end, too
   * @param {() => boolean} isSo
   */
  async #comes(name, isSo) {
    if (isSo()) return true;
    const ended = new AbortController();
    const { signal } = ended;
    const came = await new Promise((/** @type {(came: boolean) => void} */ resolve) => {
      this.#video.addEventListener(name, () => isSo() && resolve(true), { signal });
      this.#video.addEventListener("error", () => resolve(false), { signal });
      this.#reading.signal.addEventListener("abort", () => resolve(false), { signal });
      const timer = setTimeout(resolve, PATIENCE_MS, false);
      signal.addEventListener("abort", () => clearTimeout(timer));
    });
    ended.abort();
    return came;
  }

  /** Lets the server take breath; closing ends it. */
  async #pause() {
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE_MS);
      this.#reading.signal.addEventListener("abort", resolve);
    });
  }
}
