// @ts-check
import { closeWhip, openWhep } from "./api.js";
import { gathered } from "./whip.js";

/** @typedef {import("./whip.js").Message} Message */

const GONE_AFTER_MS = 2000; // a short gap in the network heals by itself

/** One WHEP session: somebody else's annotated video, with its detections on a data channel. */
export class WhepSession {
  transport = "WebRTC";
  #pc;
  #location = "";
  #closed = false;
  #gone = 0;
  #onend;

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers
   * @param {(message: Message) => void} options.onmessage
   * @param {() => void} options.onend  called once, when the other side or the network ends it
   */
  constructor({ iceServers, onmessage, onend }) {
    this.#onend = onend;
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    const channel = this.#pc.createDataChannel("detections");
    channel.onmessage = (event) => onmessage(JSON.parse(event.data));
    channel.onclose = () => this.#end();
    this.#pc.onconnectionstatechange = () => this.#watch();
  }

  /** Statistics of the connection. */
  stats() {
    return this.#pc.getStats();
  }

  /**
   * Connects to a stream and returns its video, whose first picture is still on its way.
   * @param {string} id
   * @param {AbortSignal} signal
   */
  async connect(id, signal) {
    const { receiver } = this.#pc.addTransceiver("video", { direction: "recvonly" });
    // the newest picture now, not a smooth one later
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    await this.#pc.setLocalDescription();
    await gathered(this.#pc, signal);
    const { answer, location } = await openWhep(id, this.#pc.localDescription?.sdp ?? "", signal);
    this.#location = location;
    if (this.#closed) void closeWhip(location); // left while the answer was on its way
    signal.throwIfAborted();
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer });
    return new MediaStream([receiver.track]);
  }

  /** Ends the session here and on the server; may be called again. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#gone);
    if (this.#location) void closeWhip(this.#location);
    this.#pc.close();
  }

  #watch() {
    clearTimeout(this.#gone);
    const state = this.#pc.connectionState;
    if (state === "failed" || state === "closed") this.#end();
    if (state === "disconnected") this.#gone = setTimeout(() => this.#end(), GONE_AFTER_MS);
  }

  #end() {
    if (this.#closed) return;
    this.close();
    this.#onend();
  }
}
