// @ts-check
import { ApiError } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { LiveWatch } from "./live-watch.js";
import { Note } from "./note.js";
import { Stage, tool } from "./stage.js";
import { WATCH_STATES } from "./states.js";
import { WhepSession } from "./whep.js";

/** @typedef {import("./types.js").Stream} Stream */

const PICTURE_WITHIN_MS = 5000;
const VIDEO = { muted: true, autoplay: true, playsinline: true };

/** A running stream in a dialog: its annotated video with how fresh it is; MJPEG where WebRTC does not get through. */
export class WatchDialog {
  #stream;
  #iceServers;
  #video;
  #stage;
  #watch;
  #dialog;
  #note = new Note();
  /** @type {WhepSession | null} */
  #session = null;
  /** @type {HTMLImageElement | null} */
  #pictures = null;
  #leaving = new AbortController();

  /** @param {{stream: Stream, iceServers: RTCIceServer[], announcer: import("./announcer.js").Announcer}} options */
  constructor({ stream, iceServers, announcer }) {
    this.#stream = stream;
    this.#iceServers = iceServers;
    this.#video = h("video", { ...VIDEO, class: "live", "aria-label": `Live video of ${stream.name}` });
    this.#video.muted = true;
    const tools = [tool("expand", { label: "Full screen", onclick: () => void this.#stage.toggleFullScreen() })];
    const onaction = (/** @type {string} */ action) => (action === "again" ? void this.#open() : this.close());
    this.#stage = new Stage({ states: WATCH_STATES, media: [this.#video], tools, onaction });
    this.#watch = new LiveWatch({ stage: this.#stage, announcer, others: () => 0, onsilent: () => this.#ended() });
    const parts = [this.#stage, this.#watch.strip, this.#watch.note, this.#note].map((part) => part.element);
    for (const part of parts) part.classList.remove("bleed");
    this.#dialog = openDialog(stream.name, ...parts);
    this.#dialog.classList.add("watch");
    this.#dialog.addEventListener("close", () => this.#leave());
    this.#video.addEventListener("resize", () => this.#stage.setShape(this.#video.videoWidth, this.#video.videoHeight));
    void this.#open();
  }

  close() {
    this.#dialog.close();
  }

  async #open() {
    this.#stage.show("connecting", { name: this.#stream.name });
    const session = (this.#session = new WhepSession({
      iceServers: this.#iceServers,
      onmessage: (message) => {
        if ("frame" in message) this.#watch.add(message);
        else if ("event" in message) this.#warn("The server is being restarted.", "This video ends with it.");
      },
      onend: () => this.#ended(),
    }));
    try {
      this.#video.srcObject = await session.connect(this.#stream.id, this.#leaving.signal);
      this.#video.play().catch(() => undefined); // a hidden page may refuse; it plays when it is seen
      await this.#firstPicture();
    } catch (error) {
      session.close();
      return this.#explain(error);
    }
    this.#watch.start(session, "Live");
    this.#watch.strip.element.hidden = false;
  }

  /** Resolves with the first picture; rejects with null when there is none in time. */
  #firstPicture() {
    return new Promise((resolve, reject) => {
      this.#video.addEventListener("loadeddata", resolve, { once: true });
      this.#leaving.signal.addEventListener("abort", () => reject(this.#leaving.signal.reason));
      setTimeout(() => reject(null), PICTURE_WITHIN_MS);
    });
  }

  /** @param {unknown} error */
  #explain(error) {
    if (this.#leaving.signal.aborted || this.#stage.shown === "ended") return;
    if (error === null) this.#showMjpeg();
    else if (error instanceof ApiError && error.status === 404) this.#ended();
    else this.#stage.show("failed", { detail: error instanceof Error ? error.message : "" });
  }

  #showMjpeg() {
    const { id, name } = this.#stream;
    const alt = `Live video of ${name}`;
    const image = (this.#pictures = h("img", { class: "live", alt, src: `/api/streams/${id}/mjpeg` }));
    image.addEventListener("error", () => this.#ended());
    this.#video.replaceWith(image);
    this.#stage.showPicture({ sign: "warn", word: "Live" });
    const text = "UDP did not get through within 5 s, so pictures arrive a little later.";
    this.#warn("Running over MJPEG.", text);
  }

  /**
   * @param {string} heading
   * @param {string} text
   */
  #warn(heading, text) {
    this.#note.show({ kind: "warn", heading, text });
  }

  #ended() {
    if (this.#leaving.signal.aborted) return;
    this.#session?.close();
    this.#watch.stop();
    this.#watch.strip.element.hidden = true;
    this.#note.hide();
    this.#video.srcObject = null;
    this.#stage.show("ended", { name: this.#stream.name });
  }

  #leave() {
    this.#leaving.abort();
    this.#watch.stop();
    this.#session?.close();
    this.#pictures?.removeAttribute("src"); // a browser goes on loading a picture that nobody sees
    this.#video.srcObject = null;
  }
}
