// @ts-check
import { alertAddress } from "./api.js";
import { keep, recall } from "./kept.js";

const OFF = "sightline.notifications";
const SHOWN = "sightline.notified";
const MOST = 50; // shown ones that are remembered, so that a verdict replaces them also after a reload

/** @typedef {{title: string, body: string}} Content */

/** The browser's own notifications of alerts. It is asked for them only when a person wants them. */
export class Notifications extends EventTarget {
  #onopen;

  /** @param {(id: string) => void} onopen  one of an alert was clicked */
  constructor(onopen) {
    super();
    this.#onopen = onopen;
  }

  /** @returns {"on" | "off" | "ask" | "blocked" | "missing"} */
  get state() {
    if (typeof Notification === "undefined" || !isSecureContext) return "missing";
    if (Notification.permission === "denied") return "blocked";
    if (Notification.permission !== "granted") return "ask";
    return recall(OFF) ? "off" : "on";
  }

  /** Asks the browser if it has to be, and shows them from now on. */
  async turnOn() {
    keep(OFF, "");
    if (this.state === "ask") await Notification.requestPermission();
    this.dispatchEvent(new Event("change"));
  }

  turnOff() {
    keep(OFF, "off");
    this.dispatchEvent(new Event("change"));
  }

  /** Shows one as an alert would. */
  test() {
    return this.#open("sightline-test", { title: "Test from Sightline", body: "Alerts come to this browser like this." });
  }

  /**
   * Shows an alert.
   * @param {string} id
   * @param {Content} content
   */
  show(id, content) {
    if (this.state !== "on" || !this.#open(id, content, `${alertAddress(id, "snapshot.jpg?crop=1")}`)) return;
    keep(SHOWN, [...shown().filter((one) => one !== id), id].slice(-MOST).join(" "));
  }

  /**
   * Puts the verdict in the place of an alert that was shown.
   * @param {string} id
   * @param {Content} content
   */
  replace(id, content) {
    if (this.state === "on" && shown().includes(id)) this.#open(id, content);
  }

  /**
   * @param {string} id
   * @param {Content} content
   * @param {string} [icon]
   */
  #open(id, { title, body }, icon) {
    try {
      const notification = new Notification(title, { body, tag: id, ...(icon && { icon }) });
      notification.addEventListener("click", () => {
        focus();
        this.#onopen(id);
        notification.close();
      });
      return true;
    } catch {
      return false; // browsers of phones show none from a page
    }
  }
}

const shown = () => (recall(SHOWN) ?? "").split(" ").filter(Boolean);
