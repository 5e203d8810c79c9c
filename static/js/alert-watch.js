// @ts-check
import { AlertSound } from "./alert-sound.js";
import { AlertStore } from "./alert-store.js";
import { opened, verdict } from "./alert-words.js";
import { h } from "./dom.js";
import { countOf, percent } from "./format.js";
import { Notifications } from "./notifications.js";
import { nameField } from "./own-name.js";

/** @typedef {import("./types.js").Alert} Alert */

/** Hears of alerts wherever the person is on the page: speaks, shows a notification, sounds, counts. */
export class AlertWatch {
  store;
  sound = new AlertSound();
  notifications = new Notifications((id) => (location.hash = `#/alerts/${id}`));
  #announcer;
  #place = "";
  /** @type {HTMLElement[]} */
  #counts = [];

  #kept;
  /** Whether the server knows who answers by their key. */
  #known;

  /**
   * @param {import("./types.js").Info} info
   * @param {import("./events.js").ServerEvents} events
   * @param {import("./announcer.js").Announcer} announcer
   */
  constructor({ alerts, auth }, events, announcer) {
    this.#known = Boolean(auth?.required);
    const { before_s = 5, after_s = 5, keep_days = 30 } = alerts ?? {};
    this.#kept =
      `An alert keeps its picture, what was detected and ${Math.round(before_s + after_s)} s of video on the server ` +
      `for ${countOf(keep_days, "day")}. Nothing else of live video is kept.`;
    this.#announcer = announcer;
    this.store = new AlertStore(events);
    this.store.addEventListener("change", () => this.#count());
    this.store.addEventListener("new", (event) => this.#hear(/** @type {CustomEvent<Alert>} */ (event).detail));
    this.store.addEventListener("decided", (event) => this.#replace(/** @type {CustomEvent<Alert>} */ (event).detail));
  }

  /** What Help has of alerts. @returns {HTMLElement[]} */
  help() {
    return [h("h3", {}, "Alerts"), ...(this.#known ? [] : [nameField()]), this.sound.control(), h("p", {}, this.#kept)];
  }

  /** A number for a link to the alerts: how many wait. */
  badge() {
    const count = h("span", { class: "count", hidden: true });
    this.#counts.push(count);
    return count;
  }

  /** @param {string} word  of the place that is open */
  set place(word) {
    this.#place = word;
    this.#count();
  }

  #count() {
    const waiting = this.store.waiting.length;
    for (const count of this.#counts) {
      count.hidden = !waiting;
      if (count.dataset.of === String(waiting)) continue;
      count.dataset.of = String(waiting);
      count.replaceChildren(String(waiting), h("span", { class: "vh" }, " waiting"));
    }
    document.title = `${waiting ? `(${waiting}) ` : ""}${this.#place} - Sightline`;
  }

  /** @param {Alert} alert */
  #hear(alert) {
    const text = `Possible ${alert.label}, ${alert.source.name}, ${opened(alert)}`;
    this.#announcer.assertive(`New alert: ${text}`);
    this.notifications.show(alert.id, { title: text, body: `${percent(alert.confidence)}. Open it to confirm or dismiss.` });
    this.sound.play();
  }

  /** The verdict takes the place of the notification. @param {Alert} alert */
  #replace(alert) {
    const body = `${alert.source.name}, ${opened(alert)}`;
    this.notifications.replace(alert.id, { title: verdict(alert), body });
  }
}
