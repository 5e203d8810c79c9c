// @ts-check
import { colourOf } from "./boxes.js";
import { drawCrop, emptyCrop } from "./crop.js";
import { h, icon, setVar } from "./dom.js";
import { capital, duration, percent, playTime } from "./format.js";

/** @typedef {import("./types.js").VideoTrack} VideoTrack */

const FIRST = 50; // rows shown before more are asked for

/** The sightings of a video in words: from, to, how long, how sure, and a way there. */
export class SightingsTable {
  #reader;
  #ongo;
  /** @type {{track: VideoTrack, row: HTMLElement}[]} */
  #rows = [];
  #body = h("tbody");
  #more = h("button", { class: "btn ghost wide", type: "button", hidden: true });
  #teach = h("div", { class: "teach" });
  #table = h(
    "table",
    { class: "grid" },
    h("caption", { class: "vh" }, "Sightings"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col", class: "pic" }, h("span", { class: "vh" }, "Picture")),
        h("th", { scope: "col" }, "Sighting"),
        h("th", { scope: "col" }, "From"),
        h("th", { scope: "col", class: "opt" }, "To"),
        h("th", { scope: "col", class: "opt" }, "Length"),
        h("th", { scope: "col" }, "Best"),
        h("th", { scope: "col" }, h("span", { class: "vh" }, "Go to")),
      ),
    ),
    this.#body,
  );
  element = h("div", { class: "card" }, this.#table, this.#more, this.#teach);

  /**
   * @param {import("./frame-reader.js").FrameReader} reader
   * @param {(t: number) => void} ongo
   */
  constructor(reader, ongo) {
    this.#reader = reader;
    this.#ongo = ongo;
  }

  /**
   * @param {VideoTrack[]} tracks  in the order of their first frame
   * @param {{noun: string, threshold: number, width: number, height: number, frameS: number}} video
   */
  show(tracks, { noun, threshold, ...picture }) {
    this.#rows = [];
    this.#body.replaceChildren();
    this.#table.hidden = !tracks.length;
    this.#teach.hidden = tracks.length > 0;
    this.#teach.replaceChildren(
      h("p", {}, h("b", {}, `No ${noun} found at ${percent(threshold)}.`)),
      h("p", {}, "The detector can miss things: small, dark, blurred or partly hidden ones above all."),
    );
    const add = (/** @type {VideoTrack[]} */ some) => some.forEach((track) => this.#add(track, picture));
    add(tracks.slice(0, FIRST));
    this.#more.hidden = tracks.length <= FIRST;
    this.#more.textContent = `Show all ${tracks.length} sightings`;
    this.#more.onclick = () => {
      this.#more.hidden = true;
      add(tracks.slice(FIRST));
    };
  }

  /**
   * Marks what is in view.
   * @param {number} t  seconds
   */
  at(t) {
    for (const { track, row } of this.#rows) row.classList.toggle("now", t >= track.first_s - 0.02 && t <= track.last_s + 0.02);
  }

  /**
   * @param {VideoTrack} track
   * @param {{width: number, height: number, frameS: number}} picture
   */
  #add(track, { width, height, frameS }) {
    const crop = emptyCrop();
    const name = capital(track.name);
    const from = playTime(track.first_s, { tenths: true });
    const best = `Show the best picture of ${name} #${track.track_id}, ${playTime(track.best_s, { tenths: true })}`;
    const show = h(
      "button",
      { class: "crop-button", type: "button", "aria-label": best, title: "Show the best picture" },
      crop,
    );
    show.addEventListener("click", () => this.#ongo(track.best_s));
    const go = h(
      "button",
      { class: "btn small", type: "button", "aria-label": `Go to ${from}` },
      icon("play", "fill s"),
      h("span", {}, "Go to"),
    );
    go.addEventListener("click", () => this.#ongo(track.first_s));
    const bar = setVar(h("i"), "--v", `${Math.round(track.best_confidence * 100)}%`);
    const row = h(
      "tr",
      {},
      h("td", { class: "pic" }, show),
      h("td", {}, h("b", {}, name), " ", h("span", { class: "id" }, `#${track.track_id}`)),
      h("td", {}, from),
      h("td", { class: "opt" }, playTime(track.last_s, { tenths: true })),
      h("td", { class: "opt" }, duration(track.last_s - track.first_s + frameS)),
      h("td", {}, h("span", { class: "conf flat" }, bar, percent(track.best_confidence))),
      h("td", {}, go),
    );
    if (track.class) setVar(row, "--c", colourOf(track.class));
    this.#rows.push({ track, row });
    this.#body.append(row);
    this.#reader.get(track.best_s, (video) =>
      drawCrop(crop, {
        source: video,
        width: video.videoWidth,
        height: video.videoHeight,
        box: scaled(track.box, video, { width, height }),
      }),
    );
  }
}

/**
 * A box in the pixels of the played video, which may differ from the source by a row or a column.
 * @param {import("./types.js").Box} box
 * @param {HTMLVideoElement} video
 * @param {{width: number, height: number}} source
 */
function scaled({ x1, y1, x2, y2 }, { videoWidth, videoHeight }, { width, height }) {
  const [sx, sy] = [videoWidth / width, videoHeight / height];
  return { x1: x1 * sx, y1: y1 * sy, x2: x2 * sx, y2: y2 * sy };
}
