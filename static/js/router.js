// @ts-check
/** Which place is open, and what in it, from the address after `#/`. */

const LAST = "sightline.place";

export class Router {
  #places;
  #onchange;
  #changed = () => this.#go();

  /**
   * @param {string[]} places  those the server has, first one by default
   * @param {(place: string, options: {id: string, first: boolean}) => void} onchange
   */
  constructor(places, onchange) {
    this.#places = places;
    this.#onchange = onchange;
  }

  /** Opens the place of the address, else the last one, else the first. */
  open() {
    addEventListener("hashchange", this.#changed);
    this.#go({ first: true });
  }

  close() {
    removeEventListener("hashchange", this.#changed);
  }

  #go({ first = false } = {}) {
    const [, place = "", id = ""] = location.hash.match(/^#\/(\w+)(?:\/([\w.~-]+))?/) ?? [];
    if (this.#places.includes(place)) {
      remember(place);
      this.#onchange(place, { id, first });
    } else if (first || location.hash.startsWith("#/")) {
      const wanted = recall();
      history.replaceState(null, "", `#/${wanted && this.#places.includes(wanted) ? wanted : this.#places[0]}`);
      this.#go({ first });
    }
  }
}

function recall() {
  try {
    return localStorage.getItem(LAST);
  } catch {
    return null;
  }
}

/** @param {string} place */
function remember(place) {
  try {
    localStorage.setItem(LAST, place);
  } catch {
    /* without storage the first place opens */
  }
}
