// @ts-check
/** Which place is open, and what in it, from the address after `#/`. */

import { keep, recall } from "./kept.js";

const LAST = "sightline.place";

export class Router {
  #places;
  #onchange;

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
    addEventListener("hashchange", () => this.#go());
    this.#go({ first: true });
  }

  #go({ first = false } = {}) {
    const [, place = "", id = ""] = location.hash.match(/^#\/(\w+)(?:\/([\w.~-]+))?/) ?? [];
    if (this.#places.includes(place)) {
      keep(LAST, place);
      this.#onchange(place, { id, first });
    } else if (first || location.hash.startsWith("#/")) {
      const wanted = recall(LAST);
      history.replaceState(null, "", `#/${wanted && this.#places.includes(wanted) ? wanted : this.#places[0]}`);
      this.#go({ first });
    }
  }
}
