// @ts-check
import { ApiError, deleteCamera, listCameras } from "./api.js";

/** @typedef {import("./types.js").Camera} Camera */
/** @typedef {{id: string, age_ms: number | null, fps: number | null}} Age */

/** All cameras as the events tell of them, without those that are being deleted. Dispatches "change", and "ages" once a second. */
export class CameraStore extends EventTarget {
  /** @type {"loading" | "loaded" | "unreachable" | "signedOut"} */
  state = "loading";
  /** @type {Camera[]} */
  #cameras = [];
  /** @type {Set<string>} */
  #leaving = new Set();
  #events;

  /** @param {import("./events.js").ServerEvents} events */
  constructor(events) {
    super();
    this.#events = events;
    events.on("cameras", ({ cameras }) => this.#take(cameras));
    events.on("camera_ages", ({ cameras }) => this.#age(cameras));
    events.on("lost", () => this.state === "loading" && void this.load());
    events.on("mended", () => this.#changed());
  }

  /** For how many seconds nothing has been heard of the cameras; 0 while all is well. */
  get silentS() {
    return this.#events.silentS;
  }

  /** Oldest first. */
  get all() {
    return this.#cameras.filter(({ id }) => !this.#leaving.has(id));
  }

  /** @param {string} id */
  get(id) {
    return this.all.find((camera) => camera.id === id);
  }

  /** Asks for all of them; the events bring them by themselves unless something is wrong. */
  async load() {
    try {
      this.#take(await listCameras());
    } catch (error) {
      if (this.state !== "loaded") this.state = error instanceof ApiError && error.status === 401 ? "signedOut" : "unreachable";
      this.#changed();
    }
  }

  /**
   * Keeps an answer of the server, which may come before the event.
   * @param {Camera} camera
   */
  put(camera) {
    const at = this.#cameras.findIndex(({ id }) => id === camera.id);
    if (at < 0) this.#cameras.push(camera);
    else this.#cameras[at] = camera;
    this.#changed();
  }

  /**
   * Hides cameras that are about to be deleted, or shows them again.
   * @param {string[]} ids
   * @param {boolean} hidden
   */
  hide(ids, hidden) {
    for (const id of ids) this.#leaving[hidden ? "add" : "delete"](id);
    this.#changed();
  }

  /**
   * Deletes for good; one that the server keeps is shown again.
   * @param {string} id
   */
  async remove(id) {
    try {
      await deleteCamera(id);
      this.#cameras = this.#cameras.filter((camera) => camera.id !== id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    } finally {
      this.hide([id], false);
    }
  }

  /** @param {Camera[]} cameras */
  #take(cameras) {
    this.#cameras = cameras;
    this.state = "loaded";
    this.#changed();
  }

  /** @param {Age[]} ages */
  #age(ages) {
    const known = new Map(ages.map((age) => [age.id, age]));
    this.#cameras = this.#cameras.map((camera) => ({ ...camera, ...(known.get(camera.id) ?? {}) }));
    this.dispatchEvent(new Event("ages"));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
