// @ts-check
/** @typedef {import("./types.js").Stream} Stream */

/** Knows which streams run on the server, from its events. Dispatches "change", and "ended" with the id of one. */
export class StreamList extends EventTarget {
  /** @type {Map<string, Stream>} */
  streams = new Map();

  /** @param {import("./events.js").ServerEvents} events  after a break the whole list comes anew */
  constructor(events) {
    super();
    const on = (/** @type {string} */ name, /** @type {(data: any) => void} */ take) =>
      events.on(name, (data) => {
        take(data);
        this.dispatchEvent(new Event("change"));
      });
    on("streams", ({ streams }) => {
      this.streams = new Map(streams.map((/** @type {Stream} */ stream) => [stream.id, stream]));
    });
    on("opened", (stream) => this.streams.set(stream.id, stream));
    on("closed", ({ id }) => {
      this.streams.delete(id);
      this.dispatchEvent(new CustomEvent("ended", { detail: id }));
    });
  }
}
