// @ts-check
import { openDialog } from "./dialog.js";
import { WATCH_STATES } from "./states.js";
import { StreamWatch } from "./stream-watch.js";

/** A running stream in a dialog. */
export class WatchDialog {
  #stream;
  #watch;
  #dialog;

  /**
   * @param {object} options
   * @param {import("./types.js").Stream} options.stream
   * @param {() => RTCIceServer[]} options.iceServers
   * @param {import("./announcer.js").Announcer} options.announcer
   */
  constructor({ stream, iceServers, announcer }) {
    this.#stream = stream;
    const onaction = (/** @type {string} */ action) => this.#act(action);
    this.#watch = new StreamWatch({ stream, iceServers, announcer, states: WATCH_STATES, onaction });
    for (const part of this.#watch.elements) part.classList.remove("bleed");
    this.#dialog = openDialog(stream.name, ...this.#watch.elements);
    this.#dialog.classList.add("watch");
    this.#dialog.addEventListener("close", () => this.#watch.close());
    void this.#watch.open();
  }

  /** @param {string} action */
  #act(action) {
    if (action === "again") void this.#watch.open();
    else if (action === "signIn") location.reload();
    else this.close();
  }

  /**
   * A stream has ended on the server: MJPEG does not tell by itself.
   * @param {string} id
   */
  ended(id) {
    if (id === this.#stream.id) this.#watch.end();
  }

  /** @param {boolean} silent */
  set silent(silent) {
    this.#watch.silent = silent;
  }

  close() {
    this.#dialog.close();
  }
}
