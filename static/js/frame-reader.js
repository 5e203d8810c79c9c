// @ts-check
import { h } from "./dom.js";

const PATIENCE_MS = 5000; // a frame that does not come by then is left out

/** Takes single pictures out of a video, one after the other, without touching the player. */
export class FrameReader {
  #video = h("video", { preload: "metadata", playsinline: true });
  /** @type {(() => Promise<void>) | null} */
  #look = null;
  /** @type {(() => Promise<void>)[]} */
  #waiting = [];
  #working = false;
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
    this.#look = null;
    this.#reading.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /**
   * Has the picture at a time drawn, in its turn.
   * @param {number} t  seconds
   * @param {(video: HTMLVideoElement) => void} draw
   */
  get(t, draw) {
    this.#waiting.push(() => this.#read(t, draw));
    void this.#work();
  }

  /**
   * Has the picture at a time drawn before all that wait; only the newest wish counts.
   * @param {number} t  seconds
   * @param {HTMLCanvasElement} canvas
   */
  look(t, canvas) {
    this.#look = () =>
      this.#read(t, (video) => {
        canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth) || canvas.height;
        canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
      });
    void this.#work();
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    for (let read = this.#next(); read; read = this.#next()) await read();
    this.#working = false;
  }

  #next() {
    const look = this.#look;
    this.#look = null;
    return look ?? this.#waiting.shift();
  }

  /**
   * @param {number} t
   * @param {(video: HTMLVideoElement) => void} draw
   */
  async #read(t, draw) {
    const [video, address] = [this.#video, this.#address];
    if (!address) return;
    this.#reading = new AbortController();
    if (video.getAttribute("src") !== address) {
      video.src = address;
      if (!(await this.#comes("loadeddata"))) return;
    }
    if (Math.abs(video.currentTime - t) > 1e-4) {
      video.currentTime = t;
      if (!(await this.#comes("seeked"))) return;
    }
    if (this.#address === address) draw(video);
  }

  /**
   * Whether it comes before anything that ends the wait; nothing of the wait is left then.
   * @param {"loadeddata" | "seeked"} name
   */
  async #comes(name) {
    if (this.#reading.signal.aborted) return false;
    const ended = new AbortController();
    const { signal } = ended;
    const came = await new Promise((/** @type {(came: boolean) => void} */ resolve) => {
      this.#video.addEventListener(name, () => resolve(true), { signal });
      this.#video.addEventListener("error", () => resolve(false), { signal });
      this.#reading.signal.addEventListener("abort", () => resolve(false), { signal });
      const timer = setTimeout(resolve, PATIENCE_MS, false);
      signal.addEventListener("abort", () => clearTimeout(timer));
    });
    ended.abort();
    return came;
  }
}
