// @ts-check
import { checkWebSocket } from "./api.js";
import { h } from "./dom.js";
import { JpegFrames } from "./jpeg-frames.js";
import { NoMediaError } from "./whip.js";

/** @typedef {import("./types.js").Control} Control */
/** @typedef {import("./whip.js").Message} Message */
/** @typedef {{frame: number, takenAt: number, sentAt: number}} Sent  on this page's clock */
/** @typedef {Sent & {ageMs: number}} Answered  with the time that the server had it */

const PICTURE_WITHIN_MS = 5000;
const MOST_UNANSWERED = 2; // one that the server checks, and one that is on its way
const FORGET_AFTER_MS = 4000; // a picture that the detector failed on is never answered
const LEAVE_WITHIN_MS = 1000;
const CLOSED_BY_SERVER = [1000, 1001, 1007, 1009]; // after which opening it again would not help
// the next picture leaves so that it arrives when the server is done with this one: earlier it would only wait and grow old
const PACE = 0.9;

/** One WebSocket session: our pictures up as JPEG, the annotated ones back, with detections and controls between them. */
export class WsSession {
  transport = "WebSocket";
  /** @type {WebSocket | null} */
  #socket = null;
  #frames = new JpegFrames(() => this.#see());
  #canvas = h("canvas");
  #context = this.#canvas.getContext("2d", { alpha: false });
  #onmessage;
  #onid;
  #onend;
  #closed = false;
  #taking = false;
  /** @type {Sent[]} */
  #unanswered = [];
  #count = 0;
  #wanted = 0;
  #lastSentAt = 0;
  #serverMs = 0;
  #timer = 0;
  /** @type {Answered | null} */
  #answered = null;
  #drawnFrame = -1;
  #drawn = 0;
  #rttMs = 0;
  #wayMs = 0;
  /** @type {(() => void) | null} */
  #started = null;
  #failed = () => {};

  /**
   * @param {object} options
   * @param {(message: Message) => void} options.onmessage
   * @param {(id: string) => void} options.onid  the server has made a stream, with this id
   * @param {(reason: "lost" | "ended") => void} options.onend  called once, when the other side or the network ends it
   */
  constructor({ onmessage, onid, onend }) {
    this.#onmessage = onmessage;
    this.#onid = onid;
    this.#onend = onend;
  }

  /** Whether controls can be sent. */
  get ready() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Connects and returns the annotated video once its first picture is there.
   * @param {MediaStream} stream
   * @param {{query: URLSearchParams, signal: AbortSignal}} options
   */
  async connect(stream, { query, signal }) {
    await this.#open(query, signal);
    const first = new Promise((resolve, reject) => {
      this.#started = () => resolve(null);
      this.#failed = () => reject(new NoMediaError());
      setTimeout(this.#failed, PICTURE_WITHIN_MS);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    await Promise.all([first, this.#frames.open(stream)]);
    return this.#canvas.captureStream();
  }

  /**
   * A browser does not tell why a WebSocket did not open, so the server is asked.
   * @param {URLSearchParams} query
   * @param {AbortSignal} signal
   */
  async #open(query, signal) {
    const address = `${location.origin.replace(/^http/, "ws")}/ws/stream?${query}&tell_id=1`;
    const socket = (this.#socket = new WebSocket(address));
    socket.binaryType = "blob";
    const opened = await new Promise((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onclose = () => resolve(false);
      setTimeout(() => resolve(false), PICTURE_WITHIN_MS);
    });
    signal.throwIfAborted();
    if (!opened) {
      await checkWebSocket(query, signal);
      throw new NoMediaError();
    }
    socket.onclose = (event) => this.#end(CLOSED_BY_SERVER.includes(event.code) ? "ended" : "lost");
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#take(JSON.parse(data)) : void this.#draw(data));
  }

  /** The camera shows a new picture. What the network holds back is not counted as sent: the server could have checked it. */
  #see() {
    if (!this.#networkBound) this.#wanted += 1;
    void this.#offer();
  }

  get #networkBound() {
    return this.#rttMs > this.#serverMs;
  }

  /** Sends the newest picture where that does not make it wait: never more than two are under way, none behind another. */
  async #offer() {
    const socket = this.#socket;
    const now = performance.now();
    this.#unanswered = this.#unanswered.filter((sent) => now - sent.sentAt < FORGET_AFTER_MS);
    if (!this.ready || !socket || this.#taking || !this.#frames.fresh) return;
    if (this.#unanswered.length >= MOST_UNANSWERED || socket.bufferedAmount > 0) return;
    const early = this.#lastSentAt + PACE * this.#serverMs - now;
    clearTimeout(this.#timer);
    if (early > 0) return void (this.#timer = setTimeout(() => this.#offer(), early));
    this.#taking = true;
    const jpeg = await this.#frames.take().finally(() => (this.#taking = false));
    if (!jpeg || !this.ready) return;
    socket.send(jpeg);
    if (this.#networkBound) this.#wanted += 1;
    this.#lastSentAt = performance.now();
    this.#unanswered.push({ frame: this.#count++, takenAt: now, sentAt: this.#lastSentAt });
  }

  /** @param {any} message */
  #take(message) {
    if (this.#closed) return;
    if (message.event === "opened") return this.#onid(message.id);
    if ("error" in message && "frame" in message) return this.#settle((sent) => sent.frame === message.frame);
    if ("results" in message) this.#measure(message);
    this.#onmessage(message);
  }

  /** @param {import("./types.js").DetectionMessage} message */
  #measure({ frame, age_ms }) {
    const sent = this.#unanswered.find((one) => one.frame === frame);
    this.#serverMs = age_ms;
    if (sent) this.#answered = { ...sent, ageMs: age_ms };
  }

  /** @param {(sent: Sent) => boolean} which */
  #settle(which) {
    this.#unanswered = this.#unanswered.filter((sent) => !which(sent));
    void this.#offer();
  }

  /** @param {Blob} jpeg */
  async #draw(jpeg) {
    const answered = this.#answered;
    this.#settle((sent) => sent.frame <= (answered?.frame ?? -1)); // those before it were replaced by it
    const picture = await createImageBitmap(jpeg).catch(() => null);
    if (picture && !this.#closed && (answered?.frame ?? 0) >= this.#drawnFrame) this.#show(picture, answered);
    picture?.close();
  }

  /**
   * @param {ImageBitmap} picture
   * @param {Answered | null} answered
   */
  #show(picture, answered) {
    if (this.#canvas.width !== picture.width) this.#canvas.width = picture.width;
    if (this.#canvas.height !== picture.height) this.#canvas.height = picture.height;
    this.#context?.drawImage(picture, 0, 0);
    this.#drawn += 1;
    if (answered) this.#time(answered);
    this.#started?.();
  }

  /** @param {Answered} answered  whose picture is on the screen now */
  #time({ frame, takenAt, sentAt, ageMs }) {
    const now = performance.now();
    this.#drawnFrame = frame;
    this.#rttMs = now - sentAt - ageMs;
    this.#wayMs = now - takenAt - ageMs;
    this.#frames.quality.note(this.#wayMs, now);
  }

  /** Statistics of the connection, in the form of WebRTC's; `way` has all time that a picture spends outside of the server. */
  async stats() {
    const { width, height } = this.#canvas;
    const inbound = { frameWidth: width, frameHeight: height, framesDecoded: this.#drawn };
    return new Map(
      Object.entries({
        inbound: { type: "inbound-rtp", kind: "video", ...inbound },
        outbound: { type: "outbound-rtp", kind: "video", framesSent: this.#wanted },
        pair: { type: "candidate-pair", nominated: true, currentRoundTripTime: this.#rttMs / 1000 },
        way: { type: "way", totalMs: this.#wayMs },
      }),
    );
  }

  /** @param {Control} control */
  send(control) {
    if (this.ready) this.#socket?.send(JSON.stringify(control));
  }

  /** @param {"lost" | "ended"} reason */
  #end(reason) {
    if (this.#closed) return;
    void this.close();
    this.#failed();
    this.#onend(reason);
  }

  /** Ends the session; resolves when the server has heard of it. May be called again. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#frames.close();
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      socket.onclose = () => resolve(undefined);
      setTimeout(resolve, LEAVE_WITHIN_MS);
      socket.close(1000);
    });
  }
}
