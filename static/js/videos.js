// @ts-check
import { ApiError, changeVideo, deleteVideo, listVideos } from "./api.js";
import { Uploads } from "./uploads.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./uploads.js").Upload} Upload */

/** @typedef {{key: string, name: string, job: Job | null, upload: Upload | null}} VideoFile  a video here or on the server */

const RANK = { running: 0, uploading: 1, waiting: 2, queued: 2 };

/** All videos that the page shows: those on the server and those on their way. Dispatches "change". */
export class Videos extends EventTarget {
  /** @type {"loading" | "loaded" | "unreachable" | "signedOut"} */
  state = "loading";
  /** @type {import("./types.js").VideoLimits} */
  limits = { max_bytes: Infinity, max_duration_s: Infinity, max_pixels: Infinity };
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  /** Deleted here, while the person may still change their mind. */
  #hidden = new Set();
  /** @type {Map<string, string>} the row of a job that was sent from here */
  #keys = new Map();
  /** @type {Map<string, number>} when a job was first heard of */
  #since = new Map();
  /** @type {Set<string>} those that the events told of since the list was asked for */
  #told = new Set();
  /** @type {Set<string>} those that were removed since then */
  #gone = new Set();
  #uploads;
  #timer = 0;

  /**
   * @param {import("./events.js").ServerEvents} events
   * @param {(upload: Upload, job: Job) => void} onsent  a file has become a job
   */
  constructor(events, onsent) {
    super();
    const changed = () => this.#changed();
    this.#uploads = new Uploads({
      limits: () => this.limits,
      onchange: changed,
      ondone: (upload, job) => {
        this.#keys.set(job.id, upload.key);
        if (!this.#jobs.has(job.id)) this.#jobs.set(job.id, job);
        onsent(upload, job);
        this.#changed();
      },
    });
    events.on("connected", () => void this.load());
    events.on("video", (job) => this.#put(job));
    events.on("video_removed", ({ id }) => this.#remove(id));
  }

  /** Asks for the whole list; what the events say in the meantime is newer and stays. */
  async load() {
    this.#told.clear();
    this.#gone.clear();
    try {
      const { videos, limits } = await listVideos();
      this.limits = limits;
      const kept = [...this.#jobs].filter(([id]) => this.#told.has(id));
      const there = videos.filter((job) => !this.#gone.has(job.id));
      this.#jobs = new Map([.../** @type {[string, Job][]} */ (there.map((job) => [job.id, job])), ...kept]);
      this.state = "loaded";
    } catch (error) {
      if (this.state !== "loaded") this.state = error instanceof ApiError && error.status === 401 ? "signedOut" : "unreachable";
    }
    this.#changed();
  }

  /**
   * In the order of the list: running, uploading, waiting, then the newest first.
   * @returns {VideoFile[]}
   */
  get files() {
    const arriving = this.#uploads.all.filter((one) => one.state === "uploading" && one.progress === 1);
    // the server tells of a new job before it answers the upload that made it
    const isArriving = (/** @type {Job} */ job) =>
      ["queued", "running"].includes(job.state) &&
      !this.#keys.has(job.id) &&
      arriving.some((one) => one.name === job.name && one.startedAt < (this.#since.get(job.id) ?? 0));
    const jobs = [...this.#jobs.values()].filter((job) => !this.#hidden.has(job.id) && !isArriving(job));
    const rows = [
      ...this.#uploads.all.map((upload) => ({ key: upload.key, name: upload.name, job: null, upload })),
      ...jobs.map((job) => ({ key: this.#keys.get(job.id) ?? job.id, name: job.name, job, upload: null })),
    ];
    return rows.sort((a, b) => rank(a) - rank(b) || inQueue(a) - inQueue(b) || time(b) - time(a));
  }

  /**
   * How many files the server checks before the given one.
   * @param {Job} job
   */
  ahead(job) {
    const running = [...this.#jobs.values()].filter((one) => one.state === "running").length;
    return (job.position ?? 0) + running;
  }

  /** @param {File[]} files */
  add(files) {
    const added = this.#uploads.add(files);
    this.#changed();
    return added;
  }

  /** @param {VideoFile} file */
  async cancel({ job, upload }) {
    if (upload) this.#uploads.cancel(upload);
    else if (job) this.#put(await changeVideo(job.id, "cancel"));
  }

  /**
   * Sends a file again, or has it checked once more.
   * @param {VideoFile} file
   */
  async again({ job, upload }) {
    if (upload) this.#uploads.again(upload);
    else if (job) this.#put(await changeVideo(job.id, "restart"));
  }

  /** @param {Upload} upload */
  dismiss(upload) {
    this.#uploads.dismiss(upload);
  }

  /**
   * Takes jobs off the list; `delete` sends it, `unhide` takes it back.
   * @param {string[]} ids
   */
  hide(ids) {
    for (const id of ids) this.#hidden.add(id);
    this.#changed();
  }

  /** @param {string[]} ids */
  unhide(ids) {
    for (const id of ids) this.#hidden.delete(id);
    this.#changed();
  }

  /**
   * Has jobs removed on the server; one that is gone already is removed too. Fails with the first refusal, after trying all.
   * @param {string[]} ids
   */
  async delete(ids) {
    const answers = await Promise.allSettled(ids.map((id) => deleteVideo(id)));
    const gone = (/** @type {PromiseRejectedResult} */ { reason }) => reason instanceof ApiError && reason.status === 404;
    const failed = answers.find((one) => one.status === "rejected" && !gone(one));
    answers.forEach((one, at) => {
      if (one.status === "fulfilled" || gone(one)) this.#remove(ids[at]);
    });
    this.unhide(ids);
    if (failed?.status === "rejected") throw failed.reason;
  }

  /** @param {Job} job */
  #put(job) {
    this.#told.add(job.id);
    if (!this.#since.has(job.id)) this.#since.set(job.id, performance.now());
    this.#jobs.set(job.id, job);
    this.#changed();
  }

  /** @param {string} id */
  #remove(id) {
    this.#gone.add(id);
    this.#jobs.delete(id);
    this.#changed();
  }

  /** Tells of many changes at once: a server with a hundred files tells of each when the page connects. */
  #changed() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.dispatchEvent(new Event("change"));
    });
  }
}

/** @param {VideoFile} file */
const rank = ({ job, upload }) => RANK[/** @type {keyof typeof RANK} */ (job?.state ?? upload?.state)] ?? 3;

/** @param {VideoFile} file */
const inQueue = ({ job }) => (job?.state === "queued" ? (job.position ?? 0) : 0);

/** @param {VideoFile} file */
const time = ({ job, upload }) => (job ? Date.parse(job.created_at) : Number(upload?.addedAt));
