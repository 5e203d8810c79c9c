// @ts-check
import { closeWhip, openWhip } from "./api.js";
import { reasonOf } from "./fallback.js";

/** @typedef {import("./types.js").DetectionMessage} DetectionMessage */
/** @typedef {import("./types.js").Control} Control */
/** @typedef {DetectionMessage | import("./types.js").EventMessage | import("./types.js").ErrorMessage} Message */

const MEDIA_WITHIN_MS = 5000;
const GATHER_MS = { host: 500, servers: 2000 }; // reflexive and relayed addresses take a round trip or two
const GONE_AFTER_MS = 2000; // a short gap in the network heals by itself
const LEAVE_WITHIN_MS = 1000;
const CODECS = ["video/H264", "video/VP8"];

/** The server answered, but no picture came back within 5 s. */
export class NoMediaError extends Error {
  /** @param {string} [reason]  as far as it is known */
  constructor(reason = "") {
    super("No picture came back.");
    this.reason = reason;
  }
}

/** One WebRTC session: our video up, the annotated video back, detections and controls on a data channel. */
export class WhipSession {
  transport = "WebRTC";
  #pc;
  #channel;
  #location = "";
  #closed = false;
  #gone = 0;
  /** @type {Promise<void>} */
  #left = Promise.resolve();
  #onend;
  #onid;

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers
   * @param {(message: Message) => void} options.onmessage
   * @param {(id: string) => void} options.onid  the server has made a stream, with this id
   * @param {(reason: "lost" | "ended") => void} options.onend  called once, when the other side or the network ends it
   */
  constructor({ iceServers, onmessage, onid, onend }) {
    this.#onend = onend;
    this.#onid = onid;
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#channel = this.#pc.createDataChannel("detections");
    // until the server has heard the goodbye it goes on sending what nobody looks at any more
    this.#channel.onmessage = (event) => this.#closed || onmessage(JSON.parse(event.data));
    this.#channel.onclose = () => this.#end(this.#pc.connectionState === "connected" ? "ended" : "lost");
    this.#pc.onconnectionstatechange = () => this.#watch();
  }

  /** Statistics of the connection. */
  stats() {
    return this.#pc.getStats();
  }

  /** Whether controls can be sent. */
  get ready() {
    return this.#channel.readyState === "open";
  }

  /**
   * Connects and returns the annotated video once its first picture is there.
   * @param {MediaStream} stream
   * @param {{query: URLSearchParams, signal: AbortSignal}} options
   */
  async connect(stream, { query, signal }) {
    const sender = this.#addVideo(stream);
    await this.#pc.setLocalDescription();
    await gathered(this.#pc, signal);
    const { answer, location } = await openWhip(this.#pc.localDescription?.sdp ?? "", { query, signal });
    this.#location = location;
    this.#onid(location.split("/").pop() ?? "");
    if (this.#closed) closeWhip(location); // cancelled while the answer was on its way
    signal.throwIfAborted();
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer });
    await keepResolution(sender);
    await this.#firstPicture(signal, answer);
    return new MediaStream(this.#pc.getReceivers().map((receiver) => receiver.track));
  }

  /** @param {MediaStream} stream */
  #addVideo(stream) {
    const [track] = stream.getVideoTracks();
    track.contentHint = "motion";
    const transceiver = this.#pc.addTransceiver(track, { direction: "sendrecv", streams: [stream] });
    const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
    const rank = (/** @type {{mimeType: string}} */ codec) => CODECS.indexOf(codec.mimeType);
    const wanted = codecs
      .filter((codec) => rank(codec) >= 0 || codec.mimeType === "video/rtx")
      .sort((a, b) => (rank(a) >>> 0) - (rank(b) >>> 0));
    if (wanted.length) transceiver.setCodecPreferences?.(wanted);
    // the newest picture now, not a smooth one later
    if ("jitterBufferTarget" in transceiver.receiver) transceiver.receiver.jitterBufferTarget = 0;
    return transceiver.sender;
  }

  /**
   * @param {AbortSignal} signal
   * @param {string} answer
   */
  async #firstPicture(signal, answer) {
    const until = performance.now() + MEDIA_WITHIN_MS;
    while (performance.now() < until) {
      signal.throwIfAborted();
      if (this.#closed) break;
      for (const report of (await this.#pc.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.framesDecoded > 0) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new NoMediaError(reasonOf(answer, location.hostname));
  }

  #watch() {
    clearTimeout(this.#gone);
    const state = this.#pc.connectionState;
    if (state === "failed" || state === "closed") this.#end("lost");
    if (state === "disconnected") this.#gone = setTimeout(() => this.#end("lost"), GONE_AFTER_MS);
  }

  /** @param {"lost" | "ended"} reason */
  #end(reason) {
    if (this.#closed) return;
    if (reason === "ended") this.#location = ""; // the server has ended it, there is nothing to delete
    void this.close();
    this.#onend(reason);
  }

  /** @param {Control} control */
  send(control) {
    if (this.ready) this.#channel.send(JSON.stringify(control));
  }

  /** Ends the session here and on the server; resolves when the server has heard of it. May be called again. */
  close() {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#gone);
      if (this.#location) this.#left = this.#leave();
      else this.#pc.close();
    }
    return this.#left;
  }

  /** Says goodbye first: a connection that just closes would leave the DELETE without a session to end. */
  async #leave() {
    await Promise.race([closeWhip(this.#location), new Promise((resolve) => setTimeout(resolve, LEAVE_WITHIN_MS))]);
    this.#pc.close();
  }
}

/**
 * Waits for the addresses of this side, a short while at most: what is missing then the server learns from the first packets.
 * @param {RTCPeerConnection} pc
 * @param {AbortSignal} signal
 */
export async function gathered(pc, signal) {
  if (pc.iceGatheringState === "complete") return;
  const within = pc.getConfiguration().iceServers?.length ? GATHER_MS.servers : GATHER_MS.host;
  await new Promise((resolve) => {
    setTimeout(resolve, within);
    pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && resolve(null));
  });
  signal.throwIfAborted();
}

/**
 * Under pressure fewer pictures, not smaller ones: small ones cost detections.
 * @param {RTCRtpSender} sender
 */
async function keepResolution(sender) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = "maintain-resolution";
  await sender.setParameters(parameters).catch(() => undefined); // not every browser has it
}
