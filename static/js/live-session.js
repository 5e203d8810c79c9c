// @ts-check
import { ApiError, getReady, NetworkError, tellsOfEnd } from "./api.js";
import { SourceError } from "./camera.js";
import { backOff, Countdown } from "./countdown.js";
import { Breaks, REASONS } from "./fallback.js";
import { NoMediaError, WhipSession } from "./whip.js";
import { WsSession } from "./ws-session.js";

/** @typedef {import("./camera.js").Source} Source */
/** @typedef {import("./types.js").DetectionMessage} DetectionMessage */
/** @typedef {{state: string, values: Record<string, unknown>}} Outcome */
/** @typedef {WhipSession | WsSession} Session  the same to whoever uses it */
/** @typedef {"lost" | "ended" | "switched"} End */
/** @typedef {import("./camera.js").Opener} Opener */

/**
 * @typedef {object} Handlers
 * @property {(state: string, values: Record<string, unknown>) => void} onstate  a state of the stage
 * @property {(source: Source) => void} onsource  the camera is open
 * @property {(id: string) => void} onid  the server has made a stream of it, with this id
 * @property {(session: Session, video: MediaStream) => void} onlive  the first picture is there
 * @property {(message: DetectionMessage) => void} onmessage
 * @property {(graceS: number) => void} ondraining
 * @property {(error: string) => void} oncontrolerror
 */

/** A load balancer needs some seconds to notice that a server takes no new work. */
const MOVE_RETRY_MS = 1000;

/** What leads from WebRTC to a WebSocket, or back: not a state of the stage. */
const SWITCHED = { state: "switched", values: {} };

/**
 * Keeps one live picture going: opens the source, connects, and tries again for as long as that can help; over a WebSocket where
 * WebRTC does not get through.
 */
export class LiveSession {
  #iceServers;
  #on;
  #query;
  #abort = new AbortController();
  #countdown = new Countdown();
  /** @type {Source | null} */
  #source = null;
  /** @type {Session | null} */
  #session = null;
  #breaks = new Breaks();
  #fallback = hasWebrtc() ? "" : REASONS.noWebrtc;
  #attempt = 0;
  /** @type {number | null} */
  #lostAt = null;
  #draining = false;
  /** Whether to connect again after the server has restarted. */
  reconnectAfter = false;

  /**
   * @param {object} options
   * @param {() => RTCIceServer[]} options.iceServers  asked at each connection: credentials end
   * @param {() => URLSearchParams} options.query  what is asked of the server at each connection
   * @param {Handlers} options.on
   */
  constructor({ iceServers, query, on }) {
    this.#iceServers = iceServers;
    this.#query = query;
    this.#on = on;
  }

  /** Why the picture goes over a WebSocket, in words; empty while it does not. It stays so from one start to the next. */
  get fallback() {
    return this.#fallback;
  }

  /** Whether trying WebRTC again could help. */
  get canRetry() {
    return hasWebrtc();
  }

  /** Goes back to WebRTC, and to the WebSocket once more where that does not get through. */
  retryWebrtc() {
    this.#fallback = "";
    this.#breaks.clear();
    this.#finish?.("switched");
  }

  /** The connection, null while there is none. */
  get session() {
    return this.#session;
  }

  /**
   * Opens the source and stays connected until `stop()` or until trying again makes no sense.
   * @param {Opener} opener
   */
  async start(opener) {
    this.stop();
    const { signal } = (this.#abort = new AbortController());
    try {
      const { state, values } = await this.#run(opener, signal);
      this.stop();
      this.#on.onstate(state, values);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Ends everything at once; may be called again. */
  stop() {
    this.#abort.abort();
    this.#session?.close();
    this.#session = null;
    this.#source?.close();
    this.#source = null;
    this.#attempt = 0;
    this.#lostAt = null;
    this.#draining = this.reconnectAfter = false;
  }

  /** Tries again now instead of at the end of the wait. */
  hurry() {
    this.#countdown.wake();
  }

  /** Goes on at another server as soon as one answers; until then the session stays where it is, and then is opened again. */
  async moveOn() {
    const { signal } = this.#abort;
    const session = this.#session;
    this.reconnectAfter = true;
    while (session === this.#session && !signal.aborted) {
      if (await isAnyReady()) return this.#finish?.("switched");
      await new Promise((resolve) => setTimeout(resolve, MOVE_RETRY_MS));
    }
  }

  /** Gives a connection up that carries nothing any more; it is opened again. */
  abandon() {
    this.#finish?.("lost");
  }

  /** @type {((reason: End) => void) | null} */
  #finish = null;

  /**
   * @param {Opener} opener
   * @param {AbortSignal} signal
   * @returns {Promise<Outcome>}
   */
  async #run({ open, first }, signal) {
    this.#on.onstate(await first(), {});
    signal.throwIfAborted();
    try {
      this.#source = await open(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SourceError) return error;
      return { state: "ended", values: { detail: "The clip or camera could not be played by this browser." } };
    }
    const gone = new Promise((resolve) => {
      if (this.#source) this.#source.onended = () => resolve({ state: "cameraGone", values: {} });
    });
    this.#on.onsource(this.#source);
    return Promise.race([gone, this.#stayConnected(this.#source, signal)]);
  }

  /**
   * @param {Source} source
   * @param {AbortSignal} signal
   * @returns {Promise<Outcome>}
   */
  async #stayConnected(source, signal) {
    for (;;) {
      if (this.#lostAt === null) this.#on.onstate(source.sample ? "connectingSample" : "connecting", {});
      const outcome = await this.#connect(source, signal);
      signal.throwIfAborted();
      if (outcome === SWITCHED) await this.#session?.close();
      else if (!(await this.#waitAfter(outcome, signal))) return outcome;
    }
  }

  /**
   * One connection from its offer to its end; returns why it ended.
   * @param {Source} source
   * @param {AbortSignal} signal
   * @returns {Promise<Outcome>}
   */
  async #connect(source, signal) {
    const ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
    const session = (this.#session = this.#newSession());
    try {
      const video = await session.connect(source.stream, { query: this.#query(), signal });
      this.#attempt = 0;
      this.#lostAt = null;
      this.#draining = this.reconnectAfter = false;
      this.#on.onlive(session, video);
      const reason = await ended;
      if (reason === "switched") return SWITCHED;
      this.#lostAt = performance.now();
      if (reason === "lost" && !this.#fallback && this.#breaks.add(this.#lostAt)) this.#fallback = REASONS.broke;
      return this.#endedBy(reason);
    } catch (error) {
      return this.#outcomeOf(error);
    } finally {
      void session.close();
    }
  }

  /** @returns {Session} */
  #newSession() {
    const on = {
      onmessage: (/** @type {import("./whip.js").Message} */ message) => this.#receive(message),
      onid: this.#on.onid,
      onend: (/** @type {End} */ reason) => this.#finish?.(reason),
    };
    return this.#fallback ? new WsSession(on) : new WhipSession({ iceServers: this.#iceServers(), ...on });
  }

  /**
   * What a failed attempt means: the other way of connecting, where there is one left, else a state for the person.
   * @param {unknown} error
   * @returns {Promise<Outcome>}
   */
  async #outcomeOf(error) {
    const outcome = await outcomeOf(error);
    if (this.#fallback) {
      if (outcome.state === "noMedia" && hasWebrtc()) this.#fallback = ""; // the next start tries both
      return outcome;
    }
    if (error instanceof NoMediaError) this.#fallback = error.reason;
    // ready, and yet it could not answer the offer: it has no port left for the video
    else if (outcome.values.ready) this.#fallback = REASONS.noAddress;
    return this.#fallback ? SWITCHED : outcome;
  }

  /**
   * @param {End} reason
   * @returns {Outcome}
   */
  #endedBy(reason) {
    if (reason === "lost" || this.reconnectAfter) return { state: "lost", values: {} };
    const detail = this.#draining ? "The server has been restarted." : "The server closed it.";
    return { state: "ended", values: { detail } };
  }

  /** @param {import("./whip.js").Message} message */
  #receive(message) {
    if ("results" in message) this.#on.onmessage(message);
    else if ("error" in message) this.#on.oncontrolerror(message.error);
    else if (message.event === "draining") {
      this.#draining = true;
      this.#on.ondraining(message.grace_s ?? 0);
    }
  }

  /**
   * Waits where trying again can help; returns whether to.
   * @param {Outcome} outcome
   * @param {AbortSignal} signal
   */
  async #waitAfter({ state, values }, signal) {
    if (state === "full") {
      await this.#countdown.run(Number(values.retryAfterS), {
        signal,
        ontick: (seconds) => this.#on.onstate("full", { ...values, seconds }),
      });
      return true;
    }
    if (state === "loading") {
      await this.#countdown.run(2, { signal, ontick: () => this.#on.onstate("loading", {}) });
      return true;
    }
    if (state !== "lost" && state !== "unreachable") return false;
    const attempt = ++this.#attempt;
    await this.#countdown.run(backOff(attempt), { signal, ontick: (seconds) => this.#showLost(seconds, attempt) });
    return true;
  }

  /**
   * @param {number} seconds
   * @param {number} attempt
   */
  #showLost(seconds, attempt) {
    if (this.#lostAt === null) this.#on.onstate("unreachable", { seconds, attempt });
    else this.#on.onstate("lost", { ago: Math.round((performance.now() - this.#lostAt) / 1000), seconds, attempt });
  }
}

/**
 * What a failed attempt means for the person.
 * @param {unknown} error
 * @returns {Promise<Outcome> | Outcome}
 */
function outcomeOf(error) {
  if (error instanceof NoMediaError) return { state: "noMedia", values: {} };
  if (error instanceof NetworkError) return { state: "unreachable", values: {} };
  if (!(error instanceof ApiError))
    return { state: "ended", values: { detail: error instanceof Error ? error.message : String(error) } };
  if (error.status === 401) return { state: "signedOut", values: {} };
  if (error.status === 503 && "capacity" in error.problem)
    return { state: "full", values: { ...error.problem, retryAfterS: error.retryAfterS ?? 15 } };
  if (tellsOfEnd(error)) return { state: "unreachable", values: {} };
  if (error.status >= 502) return notReady();
  return { state: "ended", values: { detail: error.message, requestId: error.requestId } };
}

const hasWebrtc = () => typeof RTCPeerConnection !== "undefined";

/** Whether a server behind this address takes new work. */
const isAnyReady = () =>
  getReady().then(
    () => true,
    () => false,
  );

/** @returns {Promise<Outcome>} */
async function notReady() {
  try {
    await getReady();
    return { state: "unreachable", values: { ready: true } };
  } catch (error) {
    if (error instanceof ApiError && !tellsOfEnd(error)) return { state: "loading", values: {} };
  }
  return { state: "unreachable", values: {} };
}
