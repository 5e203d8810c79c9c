// @ts-check
import { exportAddress } from "./api.js";
import { dayOf } from "./alert-words.js";
import { h, icon, setVar } from "./dom.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./types.js").AlertState} AlertState */
/** @typedef {import("./alert-store.js").Day} Day */

/** @typedef {AlertState | "all"} Segment */

/** @type {[Segment, string][]} */
const SEGMENTS = [
  ["candidate", "Waiting"],
  ["confirmed", "Confirmed"],
  ["dismissed", "Dismissed"],
  ["expired", "Expired"],
  ["all", "All"],
];

/** What of the alerts is shown: state, camera and day; and saving just that. */
export class AlertFilters {
  #onchange;
  /** @type {Segment} */
  segment = "candidate";
  /** Of a camera or stream, "" for all. */
  source = "";
  /** @type {"today" | "yesterday" | "date"} */
  #which = "today";
  /** @type {Map<Segment, {button: HTMLElement, count: HTMLElement}>} */
  #buttons = new Map();
  #sources = h("select", { "aria-label": "Camera", onchange: () => this.#choose(() => (this.source = this.#sources.value)) });
  #days = h(
    "select",
    { "aria-label": "Day", onchange: () => this.#pickDay() },
    h("option", { value: "today" }, "Today"),
    h("option", { value: "yesterday" }, "Yesterday"),
    h("option", { value: "date" }, "Another day"),
  );
  #date = h("input", { class: "input", type: "date", "aria-label": "Date", hidden: true, onchange: () => this.#choose() });
  #csv = h("a", { download: true }, "Table (CSV)");
  #zip = h("a", { download: true }, "Data set for training (ZIP)");
  #menu = h("div", { class: "pop menu export", id: "alert-export", popover: "auto" }, this.#csv, this.#zip);
  #export = h("button", { class: "btn", type: "button", popovertarget: "alert-export" }, icon("save"), "Export");
  #listed = "";

  /** @param {() => void} onchange */
  constructor(onchange) {
    this.#onchange = onchange;
    this.segments = h(
      "div",
      { class: "seg", role: "group", "aria-label": "State" },
      ...SEGMENTS.map((one) => this.#segment(one)),
    );
    this.element = h(
      "div",
      { class: "filters" },
      h("span", { class: "select" }, icon("cameras"), this.#sources, icon("down", "s")),
      h("span", { class: "select" }, icon("cal"), this.#days, icon("down", "s")),
      this.#date,
      this.#export,
      this.#menu,
    );
    this.#menu.addEventListener("toggle", () => this.#openMenu());
    this.#menu.addEventListener("click", () => this.#menu.hidePopover());
  }

  /** @param {[Segment, string]} segment */
  #segment([segment, word]) {
    const count = h("span", { class: segment === "candidate" ? "count" : "n", hidden: true });
    const button = h(
      "button",
      { type: "button", "aria-pressed": String(segment === this.segment), onclick: () => this.show(segment) },
      `${word} `,
      count,
    );
    this.#buttons.set(segment, { button, count });
    return button;
  }

  /**
   * @param {Segment} segment
   */
  show(segment) {
    this.segment = segment;
    for (const [name, { button }] of this.#buttons) button.setAttribute("aria-pressed", String(name === segment));
    this.#choose();
  }

  /** All of today again. */
  reset() {
    this.source = this.#sources.value = "";
    this.#which = "today";
    this.#days.value = "today";
    this.#date.hidden = true;
    this.show("all");
  }

  /** @returns {Day} */
  get day() {
    const since = new Date();
    if (this.#which === "yesterday") since.setDate(since.getDate() - 1);
    const [year, month, date] = this.#date.value.split("-").map(Number);
    if (this.#which === "date" && date) since.setFullYear(year, month - 1, date);
    since.setHours(0, 0, 0, 0);
    const until = new Date(since);
    until.setDate(until.getDate() + 1);
    return { since, until };
  }

  get isToday() {
    return this.day.since.toDateString() === new Date().toDateString();
  }

  /** "today", "yesterday", "on 21 November". */
  get dayName() {
    if (this.isToday) return "today";
    return this.#which === "yesterday" ? "yesterday" : `on ${dayOf(this.day.since)}`;
  }

  #pickDay() {
    const value = this.#days.value;
    this.#which = value === "yesterday" || value === "date" ? value : "today";
    this.#date.hidden = value !== "date";
    if (value === "date") {
      this.#date.max = isoDate(new Date());
      this.#date.value ||= this.#date.max;
      this.#date.focus();
    }
    this.#choose();
  }

  /** @param {() => void} [change] */
  #choose(change) {
    change?.();
    this.#onchange();
  }

  /** @param {Alert} alert */
  takes(alert) {
    return !this.source || sourceOf(alert) === this.source;
  }

  /**
   * @param {Record<Segment, number>} counts
   * @param {Map<string, string>} sources  names by id
   */
  render(counts, sources) {
    for (const [segment, { count }] of this.#buttons) {
      count.textContent = String(counts[segment]);
      count.hidden = !counts[segment];
    }
    const listed = JSON.stringify([...sources]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    const options = [...sources].map(([value, name]) => h("option", { value }, name));
    this.#sources.replaceChildren(h("option", { value: "" }, "All cameras"), ...options);
    this.#sources.value = sources.has(this.source) ? this.source : "";
    this.source = this.#sources.value;
  }

  /** The menu opens below its button, and names what is shown now. */
  #openMenu() {
    const { bottom, right } = this.#export.getBoundingClientRect();
    setVar(this.#menu, "--y", `${bottom + 6}px`);
    setVar(this.#menu, "--x", `${document.documentElement.clientWidth - right}px`);
    this.#csv.href = exportAddress("csv", this.query);
    this.#zip.href = exportAddress("zip", this.query);
    if (this.#menu.matches(":popover-open")) this.#csv.focus();
  }

  /** The filters as the server takes them. */
  get query() {
    const { since, until } = this.day;
    const query = new URLSearchParams({ since: since.toISOString(), until: until.toISOString() });
    if (this.segment !== "all") query.set("state", this.segment);
    if (this.source) query.set("camera", this.source);
    return query;
  }
}

/** The camera of an alert, or the stream where it was none. @param {Alert} alert */
export const sourceOf = (alert) => alert.camera ?? alert.stream;

/** @param {Date} date */
const isoDate = (date) =>
  `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
