// @ts-check
import { streamAddress } from "./api.js";
import { h } from "./dom.js";

const AT_ONCE = 2; // a browser has six connections to an origin, and others need them more
const EVERY_MS = 1000;
const AFTER_FAILURE_MS = 3000;
const GIVE_UP_MS = 8000;

/** @type {(() => void)[]} */
const waiting = [];
let underWay = 0;

/** Resolves when there is a place. */
async function take() {
  if (underWay >= AT_ONCE) await /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push(resolve)));
  else underWay += 1;
}

function giveBack() {
  const next = waiting.shift();
  if (next) next();
  else underWay -= 1;
}

/** A camera's newest picture, asked for again and again while it is seen; of all of them, at most two at a time. */
export class Snapshot {
  element = h("div", { class: "snapshot" });
  #address;
  #name;
  #wanted = false;
  #seen = false;
  #running = false;
  #shownAt = 0;
  #dueAt = 0;
  #round = 0;
  #timer = 0;
  #observer = new IntersectionObserver(([entry]) => {
    this.#seen = entry.isIntersecting;
    this.#look();
  });
  #look = () => {
    this.#dueAt = Date.now();
    void this.#refresh();
  };

  /** @param {{id: string, name: string}} camera */
  constructor({ id, name }) {
    this.#address = streamAddress(id, "snapshot.jpg");
    this.#name = name;
  }

  /** Whether there is a picture. */
  get has() {
    return this.element.childElementCount > 0;
  }

  /** For how many seconds a newer picture has been asked for; 0 where there is none, or nobody looks. */
  get ageS() {
    return this.has && this.#due ? Math.round((Date.now() - Math.max(this.#shownAt, this.#dueAt)) / 1000) : 0;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#observer.observe(this.element);
    document.addEventListener("visibilitychange", this.#look);
  }

  stop() {
    if (!this.#wanted) return;
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    document.removeEventListener("visibilitychange", this.#look);
  }

  async #refresh() {
    clearTimeout(this.#timer);
    if (this.#running || !this.#due) return;
    this.#running = true;
    await take();
    const image = this.#due ? await this.#load() : null;
    giveBack();
    this.#running = false;
    if (image && this.#wanted) {
      this.element.replaceChildren(image);
      this.#shownAt = Date.now();
    }
    if (this.#due) this.#timer = setTimeout(() => void this.#refresh(), image ? EVERY_MS : AFTER_FAILURE_MS);
  }

  get #due() {
    return this.#wanted && this.#seen && !document.hidden;
  }

  /** The next picture, null when none comes. */
  async #load() {
    const image = h("img", { class: "live", alt: `Newest picture of ${this.#name}` });
    const limit = setTimeout(() => image.removeAttribute("src"), GIVE_UP_MS);
    image.src = `${this.#address}?n=${Date.now()}-${(this.#round += 1)}`;
    try {
      await image.decode();
      return image;
    } catch {
      return null;
    } finally {
      clearTimeout(limit);
    }
  }
}
