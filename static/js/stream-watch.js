// @ts-check
import { ApiError, NetworkError, streamAddress } from "./api.js";
import { h } from "./dom.js";
import { LiveWatch } from "./live-watch.js";
import { Note } from "./note.js";
import { Stage, tool } from "./stage.js";
import { WhepSession } from "./whep.js";

/** @typedef {import("./types.js").Stream} Stream */

const PICTURE_WITHIN_MS = 5000;
const VIDEO = { muted: true, autoplay: true, playsinline: true };

/** A running stream as it plays: its annotated video with how fresh it is; MJPEG where WebRTC does not get through. */
export class StreamWatch {
  #stream;
  #iceServers;
  #video;
  #stage;
  #watch;
  #onended;
  #values;
  #note = new Note();
  /** @type {WhepSession | null} */
  #session = null;
  /** @type {HTMLImageElement | null} */
  #pictures = null;
  #leaving = new AbortController();
  #silent = false;

  /**
   * @param {object} options
   * @param {Stream} options.stream
   * @param {() => RTCIceServer[]} options.iceServers  asked at each connection: credentials end
   * @param {import("./announcer.js").Announcer} options.announcer
   * @param {Record<string, import("./states.js").State>} options.states  with connecting, ended, failed and signedOut
   * @param {(action: string) => void} options.onaction
   * @param {typeof import("./states.js").ACTIONS} [options.labels]
   * @param {HTMLElement[]} [options.tools]
   * @param {() => void} [options.onended]  it plays no more, or did not open, and may open again later
   * @param {() => Record<string, unknown>} [options.values]  that fill the states
   */
  constructor({ stream, iceServers, announcer, states, onaction, labels, tools = [], onended, values }) {
    this.#stream = stream;
    this.#iceServers = iceServers;
    this.#onended = onended;
    this.#values = values ?? (() => ({ name: stream.name }));
    this.#video = h("video", { ...VIDEO, class: "live", "aria-label": `Live video of ${stream.name}` });
    this.#video.muted = true;
    const all = [...tools, tool("expand", { label: "Full screen", onclick: () => void this.#stage.toggleFullScreen() })];
    this.#stage = new Stage({ states, labels, media: [this.#video], tools: all, onaction });
    this.#watch = new LiveWatch({ stage: this.#stage, announcer, others: () => 0, onsilent: () => this.end() });
    this.#watch.strip.element.hidden = true;
    this.#video.addEventListener("resize", () => this.#stage.setShape(this.#video.videoWidth, this.#video.videoHeight));
  }

  /** The stage, the strip and the notes, in their order. */
  get elements() {
    return [this.#stage, this.#watch.strip, this.#watch.note, this.#note].map((part) => part.element);
  }

  get stage() {
    return this.#stage;
  }

  /** What is played: the video, or the pictures that take its place. */
  get picture() {
    return this.#pictures ?? this.#video;
  }

  /**
   * Connects, and shows the first picture or why there is none.
   * @param {{quiet?: boolean}} [how]  quietly, what is said stays until there is something new, and the focus on its button
   */
  async open({ quiet = false } = {}) {
    this.stop();
    const { signal } = this.#leaving;
    if (!quiet || this.#stage.shown === null) this.#stage.show("connecting", this.#values());
    const session = (this.#session = new WhepSession({
      iceServers: this.#iceServers(),
      onmessage: (message) => {
        if ("frame" in message) this.#watch.add(message);
        else if ("event" in message) this.#warn("The server is being restarted.", "This video ends with it.");
      },
      onend: () => signal.aborted || this.end(),
    }));
    try {
      this.#video.srcObject = await session.connect(this.#stream.id, signal);
      this.#video.play().catch(() => undefined); // a hidden page may refuse; it plays when it is seen
      await this.#firstPicture(signal);
    } catch (error) {
      session.close();
      if (!signal.aborted) this.#explain(error);
      return;
    }
    this.#watch.start(session, "Live");
    this.#watch.strip.element.hidden = false;
  }

  /** Resolves with the first picture; rejects with null when there is none in time. @param {AbortSignal} signal */
  #firstPicture(signal) {
    return new Promise((resolve, reject) => {
      this.#video.addEventListener("loadeddata", resolve, { once: true });
      signal.addEventListener("abort", () => reject(signal.reason));
      setTimeout(() => reject(null), PICTURE_WITHIN_MS);
    });
  }

  /** @param {unknown} error */
  #explain(error) {
    if (error === null) return this.#showMjpeg();
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 404) return this.end();
    if (status === 401) return this.#stage.show("signedOut", this.#values());
    this.#stage.show("failed", { ...this.#values(), detail: error instanceof Error ? error.message : "" });
    if (error instanceof NetworkError || status >= 500) this.#onended?.();
  }

  #showMjpeg() {
    const { id, name } = this.#stream;
    const alt = `Live video of ${name}`;
    const image = (this.#pictures = h("img", { class: "live", alt, src: streamAddress(id, "mjpeg") }));
    image.addEventListener("error", () => this.end());
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

  /**
   * Whether the server is silent. MJPEG has no age, and a browser does not tell that it has ended: meanwhile it counts as old, and
   * afterwards it is opened anew.
   * @param {boolean} silent
   */
  set silent(silent) {
    if (!this.#pictures || silent === this.#silent) return;
    this.#silent = silent;
    if (silent) {
      this.#stage.element.classList.add("stale");
      this.#stage.setChip({ sign: "warn", word: "No news" });
    } else void this.open();
  }

  /** Says that the stream has ended. */
  end() {
    if (this.#leaving.signal.aborted) return;
    this.stop();
    this.#stage.show("ended", this.#values());
    this.#onended?.();
  }

  /** Plays nothing; may be opened again. */
  stop() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    this.#watch.stop();
    this.#watch.strip.element.hidden = true;
    this.#stage.element.classList.remove("stale");
    this.#silent = false;
    this.#note.hide();
    this.#session?.close();
    this.#session = null;
    this.#pictures?.removeAttribute("src"); // a browser goes on loading a picture that nobody sees
    this.#pictures?.replaceWith(this.#video);
    this.#pictures = null;
    this.#video.srcObject = null;
  }

  /** Ends it for good. */
  close() {
    this.stop();
    this.#leaving.abort();
  }
}
