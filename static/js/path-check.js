// @ts-check
import { tryPath } from "./api.js";

/** @typedef {{host: number, srflx: number, relay: number}} CandidateCounts */
/** @typedef {{roundTripMs: number, relayed: boolean, remote: string}} Path */

const GATHER_MS = 3_000;
// As long as Live gives WebRTC before it takes the WebSocket.
const CONNECT_MS = 5_000;
const PINGS = 5;

/** Tries the way that live video takes with nothing but a data channel. `close()` ends it, whatever it waits for. */
export class PathCheck {
  #pc;
  #channel;
  #ended = new AbortController();
  /** @type {CandidateCounts} */
  candidates = { host: 0, srflx: 0, relay: 0 };

  /** @param {RTCIceServer[]} iceServers */
  constructor(iceServers) {
    this.#pc = new RTCPeerConnection({ iceServers });
    this.#channel = this.#pc.createDataChannel("path");
    this.#pc.addEventListener("icecandidate", ({ candidate }) => {
      const type = candidate?.type;
      if (type === "host" || type === "srflx" || type === "relay") this.candidates[type] += 1;
    });
  }

  close() {
    this.#ended.abort();
    this.#pc.close();
  }

  /** Finds the candidates of this browser; those of servers that take longer are left out. */
  async gather() {
    await this.#pc.setLocalDescription();
    if (this.#pc.iceGatheringState === "complete") return;
    await this.#until(this.#pc, "icegatheringstatechange", GATHER_MS, () => this.#pc.iceGatheringState === "complete");
  }

  /**
   * Connects and measures the way there and back; null when no packet comes through.
   * @returns {Promise<Path | null>}
   */
  async connect() {
    const sdp = await tryPath(this.#pc.localDescription?.sdp ?? "", this.#ended.signal);
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    const opened = () => this.#channel.readyState === "open";
    if (!opened() && !(await this.#until(this.#channel, "open", CONNECT_MS, opened))) return null;
    /** @type {number[]} */
    const times = [];
    while (times.length < PINGS) {
      const sent = performance.now();
      this.#channel.send("ping");
      if (!(await this.#until(this.#channel, "message", CONNECT_MS, () => true))) return null;
      times.push(performance.now() - sent);
    }
    return { roundTripMs: times.sort((one, other) => one - other)[PINGS >> 1], ...(await this.#pair()) };
  }

  /** What the packets went over: the pair of candidates that ICE chose. */
  async #pair() {
    const all = [...(await this.#pc.getStats()).values()];
    const pair = all.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
    const of = (/** @type {string | undefined} */ id) => all.find((one) => one.id === id);
    return {
      relayed: of(pair?.localCandidateId)?.candidateType === "relay",
      remote: String(of(pair?.remoteCandidateId)?.address ?? ""),
    };
  }

  /**
   * Waits for an event after which something holds; false after `ms` milliseconds and at the end.
   * @param {EventTarget} target
   * @param {string} event
   * @param {number} ms
   * @param {() => boolean} holds
   * @returns {Promise<boolean>}
   */
  #until(target, event, ms, holds) {
    return new Promise((resolve) => {
      const done = new AbortController();
      const finish = (/** @type {boolean} */ value) => {
        clearTimeout(timer);
        done.abort();
        resolve(value);
      };
      const timer = setTimeout(() => finish(false), ms);
      target.addEventListener(event, () => holds() && finish(true), { signal: done.signal });
      this.#ended.signal.addEventListener("abort", () => finish(false), { signal: done.signal });
    });
  }
}
