// @ts-check
import { channelName, deliveryWords, sentTo } from "./alert-words.js";
import { h } from "./dom.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./types.js").Delivery} Delivery */

/** Who was told of an alert and of its verdict, and how that went. */
export class AlertDeliveries {
  #onagain;
  #onchannels;
  #drawn = "";
  element = h("div", { class: "sents" });

  /**
   * @param {(delivery: Delivery) => void} onagain
   * @param {() => void} onchannels
   */
  constructor(onagain, onchannels) {
    this.#onagain = onagain;
    this.#onchannels = onchannels;
  }

  /**
   * @param {Alert} alert
   * @param {number} now  milliseconds
   */
  show(alert, now) {
    const rows = alert.deliveries.map((delivery) => ({ delivery, words: deliveryWords(delivery, now) }));
    const drawn = JSON.stringify([alert.id, rows.map(({ delivery, words }) => [delivery.id, delivery.event, words])]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.again;
    const events = [...new Set(rows.map(({ delivery }) => delivery.event))];
    this.element.replaceChildren(
      ...(events.length ? [] : [this.#nobody()]),
      ...events.map((event) =>
        this.#group(
          event,
          rows.filter(({ delivery }) => delivery.event === event),
        ),
      ),
    );
    if (focused) /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-again="${CSS.escape(focused)}"]`))?.focus();
  }

  #nobody() {
    const open = h("button", { class: "btn small", type: "button", onclick: this.#onchannels }, "See channels");
    return h("div", { class: "sent" }, h("h3", {}, "Sent to nobody"), h("p", { class: "sub" }, "No channel is set up."), open);
  }

  /**
   * @param {string} event
   * @param {{delivery: Delivery, words: {sign: string, text: string}}[]} rows
   */
  #group(event, rows) {
    const list = h("ul", { role: "list" }, ...rows.map(({ delivery, words }) => this.#row(delivery, words)));
    return h("div", { class: "sent" }, h("h3", {}, sentTo(event, rows.length)), list);
  }

  /**
   * @param {Delivery} delivery
   * @param {{sign: string, text: string}} words
   */
  #row(delivery, { sign, text }) {
    const again =
      delivery.state === "failed" &&
      h(
        "button",
        { class: "btn small", type: "button", "data-needs": "admin", "data-again": delivery.id, onclick: () => this.#onagain(delivery) },
        "Send again",
      );
    return h(
      "li",
      {},
      h("span", { class: `st ${sign}` }, channelName(delivery.channel)),
      h("span", { class: "sub" }, text),
      again,
    );
  }
}
