// @ts-check
import { alertAddress } from "./api.js";
import { opened, shortWord, SIGNS } from "./alert-words.js";
import { h } from "./dom.js";
import { percent } from "./format.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {{title: string, sub?: string, alerts: Alert[], none: string}} Section */

/** One alert of the list. */
class Row {
  #image = h("img", { class: "crop", alt: "", loading: "lazy", decoding: "async" });
  #name = h("b");
  #time = h("time");
  #rest = document.createTextNode("");
  #state = h("span");
  #waits = h("span", { class: "vh" }, "waiting ");
  #word = document.createTextNode("");
  #confidence = 0;

  /**
   * @param {string} id
   * @param {() => void} onclick
   */
  constructor(id, onclick) {
    this.id = id;
    this.#state.append(this.#waits, this.#word);
    const text = h("span", { class: "ab" }, this.#name, h("span", { class: "m" }, this.#time, this.#rest));
    this.button = h("button", { class: "alrow", type: "button", onclick }, this.#image, text, this.#state);
    this.element = h("li", {}, this.button);
  }

  /**
   * @param {Alert} alert
   * @param {{selected: boolean, now: number}} how  in milliseconds
   */
  render(alert, { selected, now }) {
    this.#name.textContent = alert.source.name;
    this.#time.dateTime = alert.opened_at;
    this.#time.textContent = opened(alert);
    this.#rest.data = ` · ${percent(alert.confidence).replace(" ", "\u00a0")}`;
    // the best frame changes while the object stays in view
    if (this.#confidence !== alert.confidence)
      this.#image.src = `${alertAddress(alert.id, "snapshot.jpg?crop=1")}&best=${Math.round(alert.confidence * 1000)}`;
    this.#confidence = alert.confidence;
    this.#state.className = `st ${SIGNS[alert.state]}`;
    this.#waits.hidden = alert.state !== "candidate";
    this.element.classList.toggle("sel", selected);
    if (selected) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
    this.tick(alert, now);
  }

  /**
   * @param {Alert} alert
   * @param {number} now  milliseconds
   */
  tick(alert, now) {
    const word = shortWord(alert, now);
    if (this.#word.data !== word) this.#word.data = word;
  }
}

/** The list of alerts in its sections; a row stays the same element, so that nothing that is pointed at or focused goes away. */
export class AlertList {
  #now;
  #onpick;
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Alert[]} */
  #shown = [];
  #drawn = "";
  #body = h("div", { class: "albody" });
  #foot = h("div", { class: "card-foot", hidden: true });
  element = h("aside", { class: "card allist", "aria-label": "Alerts" }, this.#body, this.#foot);

  /**
   * @param {() => number} now  of the server, milliseconds
   * @param {(alert: Alert) => void} onpick
   */
  constructor(now, onpick) {
    this.#now = now;
    this.#onpick = onpick;
  }

  /** The alerts of the list, in its order. */
  get alerts() {
    return this.#shown;
  }

  /** @param {Node[]} content  what stands below the list; nothing hides it */
  set foot(content) {
    this.#foot.replaceChildren(...content);
    this.#foot.hidden = !content.length;
  }

  /**
   * @param {Section[]} sections
   * @param {string} selected
   */
  render(sections, selected) {
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : null;
    this.#shown = sections.flatMap(({ alerts }) => alerts);
    const ids = new Set(this.#shown.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    const drawn = JSON.stringify(sections.map(({ title, sub, alerts, none }) => [title, sub, none, alerts.map(({ id }) => id)]));
    if (drawn !== this.#drawn) this.#body.replaceChildren(...sections.flatMap((one, at) => this.#section(one, at === 0)));
    this.#drawn = drawn;
    for (const alert of this.#shown)
      this.#rows.get(alert.id)?.render(alert, { selected: alert.id === selected, now: this.#now() });
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus({ preventScroll: true });
  }

  /**
   * @param {Section} section
   * @param {boolean} first
   */
  #section({ title, sub, alerts, none }, first) {
    const keys = h("div", { class: "end keys", "aria-hidden": "true" }, h("kbd", {}, "J"), " ", h("kbd", {}, "K"));
    const head = h(
      "div",
      { class: first ? "card-head" : "card-head sec" },
      h("h2", {}, title),
      sub && h("span", { class: "sub" }, sub),
      first && keys,
    );
    if (!alerts.length) return [head, h("p", { class: "none" }, none)];
    return [head, h("ul", { role: "list" }, ...alerts.map((alert) => this.#row(alert).element))];
  }

  /** @param {Alert} alert */
  #row(alert) {
    const row = this.#rows.get(alert.id) ?? new Row(alert.id, () => this.#onpick(alert));
    this.#rows.set(alert.id, row);
    return row;
  }

  /** Renews the times; once a second. */
  tick() {
    for (const alert of this.#shown) if (alert.state === "candidate") this.#rows.get(alert.id)?.tick(alert, this.#now());
  }

  /** @param {string} id */
  reveal(id) {
    this.#rows.get(id)?.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} id */
  focus(id) {
    this.#rows.get(id)?.button.focus();
  }
}
