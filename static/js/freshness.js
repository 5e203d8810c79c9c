// @ts-check
/** How fresh the live picture is, measured on this side of the glass. */

/** @typedef {import("./types.js").DetectionMessage} DetectionMessage */

/**
 * @typedef {object} Reading  what the strip shows; null where nothing was measured in the last second
 * @property {number | null} ageMs  p50 of glass_ms: box age on the server, half a round trip, and the jitter buffer
 * @property {number | null} ageP95Ms
 * @property {number} framesPerS
 * @property {number | null} detectorMs
 * @property {number} checkedPerS
 * @property {number | null} imgsz  longest side of the detector's input
 * @property {number} received
 * @property {number} dropped
 * @property {number} sentPerS
 * @property {number} width
 * @property {number} height
 * @property {string} codec
 * @property {number} rttMs
 * @property {number} lossPercent
 * @property {number} silentMs  since the last picture
 */

/** @typedef {{at: number, glassMs: number | null, detectorMs: number, imgsz: number, received: number, dropped: number}} Sample */
/** @typedef {{at: number, decoded: number, sent: number, delay: number, emitted: number, lost: number, packets: number}} Counters */

const WINDOW_MS = 1000;

export class FreshnessMeter {
  #stats;
  /** @type {Sample[]} */
  #samples = [];
  /** @type {Counters[]} */
  #counters = [];
  /** @type {number | null} */
  #networkMs = null;
  #lastPictureAt = performance.now();

  /** @param {() => Promise<RTCStatsReport>} stats */
  constructor(stats) {
    this.#stats = stats;
  }

  /** @param {DetectionMessage} message */
  add(message) {
    const glassMs = message.box_age_ms === null || this.#networkMs === null ? null : message.box_age_ms + this.#networkMs;
    this.#samples.push({
      at: performance.now(),
      glassMs,
      detectorMs: message.detector_ms,
      imgsz: message.imgsz,
      received: message.received,
      dropped: message.dropped,
    });
  }

  /** @returns {Promise<Reading>} */
  async read() {
    const reports = [...(await this.#stats()).values()];
    const at = performance.now();
    this.#samples = this.#samples.filter((sample) => sample.at > at - WINDOW_MS);
    const inbound = reports.find((report) => report.type === "inbound-rtp" && report.kind === "video") ?? {};
    const outbound = reports.find((report) => report.type === "outbound-rtp" && report.kind === "video") ?? {};
    const remote = reports.find((report) => report.type === "remote-inbound-rtp" && report.kind === "video") ?? {};
    const rttMs = roundTripMs(reports);
    const rates = this.#rates(countersOf(inbound, outbound, at));
    // a WebSocket measures the way itself; WebRTC tells the distance and what its jitter buffer holds back
    this.#networkMs = reports.find((report) => report.type === "way")?.totalMs ?? rttMs / 2 + rates.jitterMs;
    return {
      ...this.#ages(),
      framesPerS: rates.framesPerS,
      sentPerS: rates.sentPerS,
      rttMs,
      lossPercent: Math.max(rates.lossPercent, 100 * (remote.fractionLost ?? 0)),
      width: inbound.frameWidth ?? 0,
      height: inbound.frameHeight ?? 0,
      codec: codecName(reports.find((report) => report.id === inbound.codecId)?.mimeType),
      silentMs: at - this.#lastPictureAt,
    };
  }

  #ages() {
    const samples = this.#samples;
    const glass = samples.flatMap((sample) => sample.glassMs ?? []).sort((a, b) => a - b);
    const detector = samples.map((sample) => sample.detectorMs).sort((a, b) => a - b);
    const [first, last] = [samples[0], samples[samples.length - 1]];
    return {
      ageMs: quantile(glass, 0.5),
      ageP95Ms: quantile(glass, 0.95),
      detectorMs: quantile(detector, 0.5),
      checkedPerS: samples.length,
      imgsz: last?.imgsz ?? null,
      received: first ? last.received - first.received : 0,
      dropped: first ? last.dropped - first.dropped : 0,
    };
  }

  /** @param {Counters} now */
  #rates(now) {
    const newest = this.#counters[this.#counters.length - 1];
    if (!newest || now.decoded > newest.decoded) this.#lastPictureAt = now.at;
    this.#counters.push(now);
    // the oldest one is the last before the window, so that rates cover at least a second
    while (this.#counters.length > 2 && this.#counters[1].at <= now.at - WINDOW_MS) this.#counters.shift();
    const [then] = this.#counters;
    const seconds = (now.at - then.at) / 1000 || Infinity;
    const packets = now.packets - then.packets + now.lost - then.lost;
    return {
      framesPerS: (now.decoded - then.decoded) / seconds,
      sentPerS: (now.sent - then.sent) / seconds,
      jitterMs: now.emitted > then.emitted ? (1000 * (now.delay - then.delay)) / (now.emitted - then.emitted) : 0,
      lossPercent: packets > 0 ? Math.max(0, (100 * (now.lost - then.lost)) / packets) : 0,
    };
  }
}

/**
 * @param {any} inbound
 * @param {any} outbound
 * @param {number} at
 * @returns {Counters}
 */
function countersOf(inbound, outbound, at) {
  return {
    at,
    decoded: inbound.framesDecoded ?? 0,
    sent: outbound.framesSent ?? 0,
    delay: inbound.jitterBufferDelay ?? 0,
    emitted: inbound.jitterBufferEmittedCount ?? 0,
    lost: inbound.packetsLost ?? 0,
    packets: inbound.packetsReceived ?? 0,
  };
}

/** @param {any[]} reports */
function roundTripMs(reports) {
  const transport = reports.find((report) => report.type === "transport" && report.selectedCandidatePairId);
  const pair = reports.find((report) =>
    transport ? report.id === transport.selectedCandidatePairId : report.type === "candidate-pair" && report.nominated,
  );
  return 1000 * (pair?.currentRoundTripTime ?? 0);
}

/** @param {string | undefined} mimeType */
function codecName(mimeType) {
  const name = mimeType?.split("/")[1] ?? "";
  return name === "H264" ? "H.264" : name;
}

/**
 * @param {number[]} sorted
 * @param {number} share
 */
function quantile(sorted, share) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null;
}
