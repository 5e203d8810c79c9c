// @ts-check
import { followEvents } from "./api.js";

/** @typedef {import("./types.js").Stream} Stream */

/** Knows which streams run on the server, from its event stream. Dispatches "change". */
export class StreamList extends EventTarget {
  /** @type {Map<string, Stream>} */
  streams = new Map();
  /** @type {EventSource | null} */
  #source = null;

  /** Begins to follow; after a break the browser connects again by itself, and the list comes anew. */
  open() {
    if (this.#source) return;
    const source = (this.#source = followEvents());
    const on = (/** @type {string} */ name, /** @type {(data: any) => void} */ take) =>
      source.addEventListener(name, (event) => {
        take(JSON.parse(event.data));
        this.dispatchEvent(new Event("change"));
      });
    on("streams", ({ streams }) => {
      this.streams = new Map(streams.map((/** @type {Stream} */ stream) => [stream.id, stream]));
    });
    on("opened", (stream) => this.streams.set(stream.id, stream));
    on("closed", ({ id }) => this.streams.delete(id));
  }

  close() {
    this.#source?.close();
    this.#source = null;
  }
}
