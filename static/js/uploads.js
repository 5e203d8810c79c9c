// @ts-check
import { ApiError, uploadVideo } from "./api.js";
import { noRoom, notVideo, refusalOf, tooLarge } from "./video-check.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").VideoLimits} VideoLimits */

const SIGNED_OUT = "Your sign-in has run out. Sign in, then add it again.";

/** One file on its way to the server. */
export class Upload {
  /** @type {"waiting" | "uploading" | "broken" | "refused" | "cancelled"} */
  state = "waiting";
  sent = 0;
  startedAt = 0;
  addedAt = new Date();
  /** Why it was refused, and whether sending it again may help. */
  problem = "";
  mayHelp = false;
  abort = new AbortController();

  /**
   * @param {string} key
   * @param {File} file
   */
  constructor(key, file) {
    this.key = key;
    this.file = file;
    this.name = file.name;
    this.size = file.size;
  }

  /** How much of it is on the server, 0..1. */
  get progress() {
    return this.size ? Math.min(1, this.sent / this.size) : 0;
  }

  /** Seconds until all of it is there, at the speed so far; null before there is one. */
  get leftS() {
    const tookS = (performance.now() - this.startedAt) / 1000;
    return this.sent && tookS > 1 ? ((this.size - this.sent) / this.sent) * tookS : null;
  }
}

/** Sends files one after the other, so that the first one is checked while the others still come. */
export class Uploads {
  /** @type {Upload[]} */
  all = [];
  #limits;
  #onchange;
  #ondone;
  #next = 0;
  #working = false;

  /**
   * @param {object} options
   * @param {() => VideoLimits} options.limits
   * @param {(upload: Upload) => void} options.onchange
   * @param {(upload: Upload, job: Job) => void} options.ondone
   */
  constructor({ limits, onchange, ondone }) {
    this.#limits = limits;
    this.#onchange = onchange;
    this.#ondone = ondone;
  }

  /**
   * @param {File[]} files
   * @returns {Upload[]}
   */
  add(files) {
    const added = files.map((file) => new Upload(`upload-${(this.#next += 1)}`, file));
    this.all.push(...added);
    void this.#work();
    return added;
  }

  /**
   * Stops sending; what is on the server of it is thrown away there.
   * @param {Upload} upload
   */
  cancel(upload) {
    upload.abort.abort();
    this.#end(upload, "cancelled");
  }

  /** @param {Upload} upload */
  again(upload) {
    Object.assign(upload, { state: "waiting", sent: 0, problem: "", abort: new AbortController() });
    this.#onchange(upload);
    void this.#work();
  }

  /** @param {Upload} upload */
  dismiss(upload) {
    upload.abort.abort();
    this.all = this.all.filter((one) => one !== upload);
    this.#onchange(upload);
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    for (let upload = this.#waiting(); upload; upload = this.#waiting()) await this.#send(upload);
    this.#working = false;
  }

  #waiting() {
    return this.all.find((upload) => upload.state === "waiting");
  }

  /** @param {Upload} upload */
  async #send(upload) {
    const { signal } = upload.abort;
    Object.assign(upload, { state: "uploading", startedAt: performance.now() });
    this.#onchange(upload);
    const refusal = await refusalOf(upload.file, this.#limits());
    if (signal.aborted) return;
    if (refusal) return this.#end(upload, "refused", refusal);
    upload.startedAt = performance.now();
    const onprogress = (/** @type {number} */ sent) => {
      upload.sent = sent;
      this.#onchange(upload);
    };
    try {
      const job = await uploadVideo(upload.file, { signal, onprogress });
      this.all = this.all.filter((one) => one !== upload);
      this.#ondone(upload, job);
    } catch (error) {
      if (!signal.aborted) this.#fail(upload, error);
    }
  }

  /**
   * @param {Upload} upload
   * @param {unknown} error
   */
  #fail(upload, error) {
    if (!(error instanceof ApiError)) return this.#end(upload, "broken");
    upload.mayHelp = [429, 500, 502, 503, 504].includes(error.status);
    const limit = this.#limits().max_bytes;
    if (error.status === 415) this.#end(upload, "refused", notVideo(upload.name));
    else if (error.status === 413 && upload.size > limit)
      this.#end(upload, "refused", tooLarge(upload.name, { size: upload.size, limit }));
    else if (error.status === 507) this.#end(upload, "refused", noRoom(upload.size));
    else this.#end(upload, "refused", error.status === 401 ? SIGNED_OUT : error.message);
  }

  /**
   * @param {Upload} upload
   * @param {"broken" | "refused" | "cancelled"} state
   * @param {string} [problem]
   */
  #end(upload, state, problem = "") {
    Object.assign(upload, { state, problem });
    this.#onchange(upload);
  }
}
