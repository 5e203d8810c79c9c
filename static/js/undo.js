// @ts-check
const WAIT_MS = 6000;

/** Deletes after a while, so that nothing has to be asked before: until then it can be taken back. */
export class Undo {
  #on;
  /** @type {string[]} */
  #ids = [];
  #timer = 0;
  #left = () => this.flush();

  /**
   * @param {object} on
   * @param {(ids: string[]) => void} on.onwait  they are to be hidden
   * @param {(ids: string[]) => void} on.onundo
   * @param {(ids: string[]) => void} on.ondelete  the time is over
   */
  constructor(on) {
    this.#on = on;
  }

  /**
   * Begins to wait; what waited before is deleted now.
   * @param {string[]} ids
   */
  delete(ids) {
    this.flush();
    this.#ids = ids;
    this.#timer = setTimeout(() => this.flush(), WAIT_MS);
    addEventListener("pagehide", this.#left);
    this.#on.onwait(ids);
  }

  undo() {
    const ids = this.#take();
    if (ids.length) this.#on.onundo(ids);
  }

  /** Deletes without further waiting, as when the page is left. */
  flush() {
    const ids = this.#take();
    if (ids.length) this.#on.ondelete(ids);
  }

  #take() {
    clearTimeout(this.#timer);
    removeEventListener("pagehide", this.#left);
    const ids = this.#ids;
    this.#ids = [];
    return ids;
  }
}
