// @ts-check
import { h } from "./dom.js";

/** @typedef {{width: number, quality: number}} Level */

/** @type {Level[]} worse from step to step; quality goes before size, as small pictures cost detections */
const LEVELS = [
  { width: 1280, quality: 0.8 },
  { width: 1280, quality: 0.65 },
  { width: 960, quality: 0.65 },
  { width: 960, quality: 0.5 },
  { width: 640, quality: 0.6 },
  { width: 640, quality: 0.45 },
  { width: 480, quality: 0.4 },
];
const FIRST_LEVEL = 2;
const SLOW_MS = 100;
const QUICK_MS = 40;
const SMOOTHING = 0.15; // about ten pictures: one that was late says little
const WORSE_AFTER_MS = 1000;
const BETTER_AFTER_MS = 3000;
const DISTANCE_OVER_MS = 8000;
const HIDDEN_EVERY_MS = 1000;
const UNTOLD_EVERY_MS = 33;

/** The pictures of a camera as JPEG files, each taken when it is asked for. */
export class JpegFrames {
  #video = h("video", { muted: true, playsinline: true });
  #canvas = new OffscreenCanvas(2, 2);
  #context = this.#canvas.getContext("2d", { alpha: false });
  #onpicture;
  #timer = 0;
  #handle = 0;
  #notedAt = 0;
  /** Whether the camera has shown a picture since the last one was taken. */
  fresh = false;
  quality = new AdaptiveQuality();

  /** @param {() => void} onpicture  the camera shows a new picture */
  constructor(onpicture) {
    this.#onpicture = onpicture;
  }

  /** @param {MediaStream} stream */
  async open(stream) {
    this.#video.muted = true;
    this.#video.srcObject = stream;
    await this.#video.play();
    const told = "requestVideoFrameCallback" in this.#video;
    if (told) this.#follow();
    // a page that is hidden paints nothing, and the session must go on
    const everyMs = told ? HIDDEN_EVERY_MS : UNTOLD_EVERY_MS;
    this.#timer = setInterval(() => performance.now() - this.#notedAt >= everyMs && this.#note(), everyMs);
    this.#note();
  }

  #follow() {
    this.#handle = this.#video.requestVideoFrameCallback(() => {
      this.#note();
      this.#follow();
    });
  }

  #note() {
    this.fresh = true;
    this.#notedAt = performance.now();
    this.#onpicture();
  }

  /** The newest picture as a file, null while there is none. */
  async take() {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth || !this.#context) return null;
    this.fresh = false;
    const { width, quality } = this.quality.level;
    const scale = Math.min(1, width / videoWidth);
    this.#resize(Math.round(videoWidth * scale), Math.round(videoHeight * scale));
    this.#context.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const blob = await this.#canvas.convertToBlob({ type: "image/jpeg", quality });
    return blob.arrayBuffer();
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #resize(width, height) {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
  }

  close() {
    clearInterval(this.#timer);
    if (this.#handle) this.#video.cancelVideoFrameCallback(this.#handle);
    this.#video.srcObject = null;
  }
}

/** How good the pictures can be without waiting on the network: worse soon, better after a while. */
export class AdaptiveQuality {
  #at = FIRST_LEVEL;
  #changedAt = 0;
  #delayMs = 0;
  #distance = new Lowest();

  get level() {
    return LEVELS[this.#at];
  }

  /**
   * Notes how long the network took for one picture, there and back. What even the quickest took is distance, not congestion.
   * @param {number} networkMs
   * @param {number} now  milliseconds
   */
  note(networkMs, now) {
    const delayMs = networkMs - this.#distance.of(networkMs, now);
    this.#delayMs += SMOOTHING * (delayMs - this.#delayMs);
    if (this.#delayMs > SLOW_MS && now - this.#changedAt > WORSE_AFTER_MS) this.#step(1, now);
    else if (this.#delayMs < QUICK_MS && now - this.#changedAt > BETTER_AFTER_MS) this.#step(-1, now);
  }

  /**
   * @param {1 | -1} by
   * @param {number} now
   */
  #step(by, now) {
    this.#at = Math.max(0, Math.min(LEVELS.length - 1, this.#at + by));
    this.#changedAt = now;
  }
}

/** The lowest value of the last while, in two halves: what was measured long ago on another network says nothing. */
class Lowest {
  #now = Infinity;
  #before = Infinity;
  #since = 0;

  /**
   * Notes a value and returns the lowest.
   * @param {number} value
   * @param {number} now  milliseconds
   */
  of(value, now) {
    if (now - this.#since > DISTANCE_OVER_MS / 2) {
      this.#before = this.#now;
      this.#now = Infinity;
      this.#since = now;
    }
    this.#now = Math.min(this.#now, value);
    return Math.min(this.#now, this.#before);
  }
}
