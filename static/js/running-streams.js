// @ts-check
import { h } from "./dom.js";
import { StreamList } from "./stream-list.js";
import { WatchDialog } from "./watch-dialog.js";

/** @typedef {import("./types.js").Stream} Stream */

const SNAPSHOT_RETRY_MS = 3000; // a stream that has just begun may show nothing yet

/** The streams that others show on this server, each with a picture and a way to watch it. */
export class RunningStreams {
  #list;
  #visible = false;
  #rows = h("ul", { class: "rows", role: "list" });
  #count = h("span", { class: "sub" });
  #page;
  /** @type {Set<string>} */
  #own = new Set();
  /** @type {WatchDialog | null} */
  #watching = null;
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();
  element = h(
    "section",
    { class: "card", "aria-label": "Running streams", hidden: true },
    h("div", { class: "card-head" }, h("h2", {}, "Running streams"), this.#count),
    this.#rows,
  );

  /**
   * @param {object} page
   * @param {() => RTCIceServer[]} page.iceServers
   * @param {import("./announcer.js").Announcer} page.announcer
   * @param {import("./events.js").ServerEvents} page.events
   */
  constructor({ iceServers, announcer, events }) {
    this.#page = { iceServers, announcer };
    this.#list = new StreamList(events);
    this.#list.addEventListener("change", () => this.#render());
    this.#list.addEventListener("ended", (event) => this.#watching?.ended(/** @type {CustomEvent<string>} */ (event).detail));
    events.on("lost", () => this.#setSilent(true));
    events.on("mended", () => this.#setSilent(false));
  }

  /**
   * A stream of this page itself stands on the stage and not in the list.
   * @param {string} id
   */
  leaveOut(id) {
    this.#own.add(id);
    this.#render();
  }

  /** @param {boolean} silent */
  #setSilent(silent) {
    if (this.#watching) this.#watching.silent = silent;
  }

  open() {
    this.#visible = true;
    this.#render();
  }

  close() {
    this.#visible = false;
    this.#watching?.close();
  }

  #render() {
    if (!this.#visible) return; // each row asks for a picture
    const streams = [...this.#list.streams.values()].filter((stream) => !this.#own.has(stream.id));
    const wanted = new Set(streams.map((stream) => stream.id));
    for (const [id, row] of this.#shown) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#shown.delete(id);
    }
    for (const stream of streams) {
      if (this.#shown.has(stream.id)) continue;
      const row = this.#row(stream);
      this.#shown.set(stream.id, row);
      this.#rows.append(row);
    }
    this.#count.textContent = String(streams.length);
    this.element.hidden = !streams.length;
  }

  /** @param {Stream} stream */
  #row(stream) {
    const watch = h(
      "button",
      { class: "btn", type: "button", "aria-label": `Watch ${stream.name}`, onclick: () => this.#watch(stream) },
      "Watch",
    );
    return h("li", { "data-stream": stream.id }, snapshot(stream.id), h("div", { class: "t" }, stream.name), watch);
  }

  /** @param {Stream} stream */
  #watch(stream) {
    this.#watching?.close();
    this.#watching = new WatchDialog({ stream, ...this.#page });
  }
}

/**
 * A small picture of the stream; until there is one its place stays dark.
 * @param {string} id
 */
function snapshot(id) {
  const address = () => `/api/streams/${id}/snapshot.jpg?at=${Date.now()}`;
  const image = h("img", { class: "crop", alt: "", src: address() });
  const again = () => image.isConnected && (image.src = address());
  image.addEventListener("error", () => setTimeout(again, SNAPSHOT_RETRY_MS));
  return image;
}
