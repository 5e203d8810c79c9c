// @ts-check
/** Why the picture goes over a WebSocket, word for word, and how that is found out. */

export const REASONS = {
  noMedia: "UDP did not get through within 5 s, so pictures arrive a little later.",
  noAddress: "The server offers no address that this network can reach.",
  noWebrtc: "This browser has no WebRTC.",
  broke: "The video connection broke twice in a minute.",
};

const BREAKS = { count: 2, withinMs: 60_000 };
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|f[cd]|fe80:)/i;
const LOOPBACK = /^(127\.|::1$)/;
// names that only a private network knows: without a dot, or of a local domain
const LOCAL_NAME = /^([^.:]+|.*\.(local|lan|home|internal))$/i;

/**
 * Why no video came back, as far as an SDP answer tells: whether any of the server's addresses could be reached from here.
 * @param {string} answer
 * @param {string} host  under which this page reaches the server
 */
export function reasonOf(answer, host) {
  const addresses = [...answer.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+)/gm)].map((match) => match[1]);
  const at = host.replace(/^\[|\]$/g, "");
  const here = at === "localhost" || LOOPBACK.test(at);
  const inside = here || PRIVATE.test(at) || LOCAL_NAME.test(at);
  const possible = addresses.some((address) => (LOOPBACK.test(address) ? here : inside || !PRIVATE.test(address)));
  return possible ? REASONS.noMedia : REASONS.noAddress;
}

/** Counts how often a connection broke in the last minute. */
export class Breaks {
  /** @type {number[]} */
  #at = [];

  /**
   * Notes one more and returns whether those are too many.
   * @param {number} now  milliseconds
   */
  add(now) {
    this.#at = [...this.#at.filter((at) => at > now - BREAKS.withinMs), now];
    return this.#at.length >= BREAKS.count;
  }

  /** Forgets them. */
  clear() {
    this.#at = [];
  }
}
