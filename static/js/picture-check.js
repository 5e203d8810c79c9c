// @ts-check
import { ApiError, convertPicture, NetworkError, predict } from "./api.js";
import { Countdown } from "./countdown.js";
import { h } from "./dom.js";
import { bytes } from "./format.js";

/** @typedef {import("./types.js").PredictAnswer} PredictAnswer */
/** @typedef {import("./types.js").Result} Result */

/**
 * @typedef {object} Picture  one picture of this tab
 * @property {File} file
 * @property {string} name
 * @property {HTMLImageElement} image  decoded; as the server saw it
 * @property {number} width
 * @property {number} height
 * @property {number} tookMs
 * @property {PredictAnswer} answer
 */

/** @typedef {(state: string, values: Record<string, unknown>) => void} OnState */

/**
 * @typedef {object} Handlers
 * @property {OnState} onstate
 * @property {(image: HTMLImageElement | null) => void} onpreview  null where this browser cannot show the file
 * @property {(picture: Picture) => void} ondone
 * @property {OnState} onrefused
 */

/** A stage's state that ends the check of one picture. */
class Refused extends Error {
  /**
   * @param {string} state
   * @param {Record<string, unknown>} [values]
   */
  constructor(state, values = {}) {
    super(state);
    this.state = state;
    this.values = values;
  }
}

/** Checks pictures one after the other. */
export class PictureQueue {
  #limit;
  #on;
  /** @type {File[]} */
  #waiting = [];
  #working = false;
  #abort = new AbortController();
  #countdown = new Countdown();

  /**
   * @param {object} options
   * @param {number} options.limit  bytes
   * @param {Handlers} options.on
   */
  constructor({ limit, on }) {
    this.#limit = limit;
    this.#on = on;
  }

  /** @param {File[]} files */
  async add(files) {
    this.#waiting.push(...files);
    if (this.#working) return;
    this.#working = true;
    for (let file = this.#waiting.shift(); file; file = this.#waiting.shift()) await this.#checkOne(file);
    this.#working = false;
  }

  /** Gives up the picture in work and those that wait. */
  cancel() {
    this.#waiting = [];
    this.#abort.abort();
  }

  /** Tries again now instead of at the end of the wait. */
  hurry() {
    this.#countdown.wake();
  }

  /** @param {File} file */
  async #checkOne(file) {
    const { signal } = (this.#abort = new AbortController());
    try {
      this.#on.ondone(await this.#check(file, signal));
    } catch (error) {
      if (signal.aborted) return;
      const { state, values } = error instanceof Refused ? error : refusal(error, file, this.#limit);
      this.#on.onrefused(state, { name: file.name, file, ...values });
    }
  }

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   * @returns {Promise<Picture>}
   */
  async #check(file, signal) {
    if (file.size > this.#limit) throw new Refused("tooLarge", { size: bytes(file.size), limit: bytes(this.#limit) });
    if (/^(video|audio|text)\//.test(file.type)) throw new Refused("notPicture");
    const preview = await decode(file).catch(() => null);
    signal.throwIfAborted();
    this.#on.onpreview(preview);
    const started = performance.now();
    const answer = await this.#ask(file, signal);
    const tookMs = performance.now() - started;
    const image = preview ?? (await decode(await convertPicture(file, signal)));
    const [height, width] = answer.images[0].shape;
    return { file, name: file.name, image, width, height, tookMs, answer };
  }

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   */
  async #ask(file, signal) {
    for (;;) {
      this.#on.onstate("checking", { name: file.name });
      try {
        return await predict(file, signal);
      } catch (error) {
        if (!(error instanceof ApiError) || ![429, 503].includes(error.status)) throw error;
        const ontick = (/** @type {number} */ seconds) => this.#on.onstate("busy", { name: file.name, seconds });
        await this.#countdown.run(error.retryAfterS ?? 3, { signal, ontick });
      }
    }
  }
}

/**
 * The sentence for a refusal of the server.
 * @param {unknown} error
 * @param {File} file
 * @param {number} limit
 */
function refusal(error, file, limit) {
  if (error instanceof NetworkError) return new Refused("unreachable");
  if (!(error instanceof ApiError)) return new Refused("failed", { detail: error instanceof Error ? error.message : "" });
  const values = { detail: error.message, requestId: error.requestId };
  if (error.status === 401) return new Refused("signedOut");
  if (error.status === 413 && /pixel/i.test(error.message)) return new Refused("tooManyPixels", values);
  if (error.status === 413) return new Refused("tooLarge", { size: bytes(file.size), limit: bytes(limit) });
  if (error.status === 415) return new Refused("notPicture", values);
  if (error.status === 422) return new Refused("damaged", values);
  return new Refused("failed", values);
}

/**
 * An image of the file's first picture; fails where this browser cannot read the format.
 * @param {Blob} blob
 */
async function decode(blob) {
  const still = blob.type === "image/gif" ? await firstFrame(blob) : blob;
  const image = h("img", { alt: "" });
  image.src = URL.createObjectURL(still);
  await image.decode();
  return image;
}

/** @param {Blob} blob */
async function firstFrame(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = h("canvas", { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  return new Promise((/** @type {(still: Blob) => void} */ resolve) => canvas.toBlob((still) => resolve(still ?? blob)));
}
