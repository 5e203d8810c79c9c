// @ts-check
/** Waiting that a person can see and cut short. */

const BACK_OFF_S = [0.5, 1, 2, 4, 8];
const LONGEST_S = 10;

/**
 * Seconds before the given attempt, counted from 1.
 * @param {number} attempt
 */
export const backOff = (attempt) => BACK_OFF_S[attempt - 1] ?? LONGEST_S;

export class Countdown {
  /** @type {(() => void) | null} */
  #finish = null;

  /**
   * Waits; `ontick` gets the seconds left, at once and then each second. A hidden page waits until it is looked at again.
   * @param {number} seconds
   * @param {{signal: AbortSignal, ontick: (left: number) => void}} options
   */
  async run(seconds, { signal, ontick }) {
    const until = performance.now() + seconds * 1000;
    const left = () => Math.max(0, (until - performance.now()) / 1000);
    ontick(Math.ceil(left()));
    const timer = setInterval(
      () => {
        ontick(Math.ceil(left()));
        if (left() === 0 && !document.hidden) this.#finish?.();
      },
      seconds < 1 ? seconds * 1000 : 1000,
    );
    try {
      await new Promise((resolve) => {
        this.#finish = () => resolve(null);
        signal.addEventListener("abort", this.#finish, { once: true });
      });
    } finally {
      clearInterval(timer);
      this.#finish = null;
    }
    signal.throwIfAborted();
  }

  /** Ends the wait now. */
  wake() {
    this.#finish?.();
  }
}
