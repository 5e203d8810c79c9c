// @ts-check
import { openDialog } from "./dialog.js";
import { WATCH_STATES } from "./states.js";
import { StreamWatch } from "./stream-watch.js";

/** A running stream in a dialog. */
export class WatchDialog {
  #watch;
  #dialog;

  /** @param {{stream: import("./types.js").Stream, iceServers: RTCIceServer[], announcer: import("./announcer.js").Announcer}} options */
  constructor({ stream, iceServers, announcer }) {
    const onaction = (/** @type {string} */ action) => (action === "again" ? void this.#watch.open() : this.close());
    this.#watch = new StreamWatch({ stream, iceServers, announcer, states: WATCH_STATES, onaction });
    for (const part of this.#watch.elements) part.classList.remove("bleed");
    this.#dialog = openDialog(stream.name, ...this.#watch.elements);
    this.#dialog.classList.add("watch");
    this.#dialog.addEventListener("close", () => this.#watch.close());
    void this.#watch.open();
  }

  close() {
    this.#dialog.close();
  }
}
