// @ts-check
import { opened, WORDS } from "./alert-words.js";
import { h, setVar } from "./dom.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./alert-store.js").Day} Day */

const SIGNS = { candidate: "wait", confirmed: "con", dismissed: "dis", expired: "exp" };
const NEAR_PX = 10;
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21];

/** All alerts of a day by the hour. The list says the same in words, so the marks are no stops of the Tab key. */
export class DayLane {
  #onpick;
  #seen = h("span", { class: "seen" });
  #marks = h("div");
  #lane = h("div", { class: "daylane", onclick: (event) => this.#pressed(event) }, this.#seen, this.#marks);
  /** @type {Alert[]} */
  #alerts = [];
  #ticks = h("div", { class: "ticks num", "aria-hidden": "true" });
  element = h("div", { class: "day", role: "group" }, this.#lane, this.#ticks);
  #drawn = "";

  /** @param {(alert: Alert) => void} onpick */
  constructor(onpick) {
    this.#onpick = onpick;
  }

  /**
   * @param {Alert[]} alerts
   * @param {{day: Day, name: string, selected: string}} shown
   */
  render(alerts, { day, name, selected }) {
    const drawn = JSON.stringify([alerts.map(({ id, state }) => [id, state]), day, selected]);
    this.now(day);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#alerts = [...alerts].reverse();
    this.element.setAttribute("aria-label", `Alerts ${name} by hour`);
    this.#ticks.replaceChildren(...HOURS.map((hour) => tick(hour, day)));
    this.#marks.replaceChildren(...this.#alerts.map((alert) => this.#mark(alert, day, alert.id === selected)));
  }

  /**
   * How far the day is.
   * @param {Day} day
   */
  now(day) {
    const share = place(new Date(), day);
    setVar(this.#seen, "--v", share);
    this.#seen.hidden = share === "0%";
  }

  /**
   * Picks the mark that is pressed. Marks of a busy minute lie over each other: pressed again, it is the next one there.
   * @param {MouseEvent} event
   */
  #pressed({ target, clientX, detail }) {
    const marks = /** @type {HTMLElement[]} */ ([...this.#marks.children]);
    const own = marks.findIndex((mark) => target instanceof Node && mark.contains(target));
    if (!detail && own >= 0) return this.#onpick(this.#alerts[own]); // by a screen reader, without a place
    const off = (/** @type {number} */ at) => {
      const { left, width } = marks[at].getBoundingClientRect();
      return Math.abs(left + width / 2 - clientX);
    };
    const near = [...marks.keys()].filter((at) => off(at) <= NEAR_PX).sort((a, b) => off(a) - off(b) || b - a);
    const current = near.findIndex((at) => marks[at].classList.contains("cur"));
    const next = near[(current + 1) % near.length];
    if (next !== undefined) this.#onpick(this.#alerts[next]);
  }

  /**
   * @param {Alert} alert
   * @param {Day} day
   * @param {boolean} current
   */
  #mark(alert, day, current) {
    const label = `${alert.source.name}, ${opened(alert)}, ${WORDS[alert.state]}`;
    const mark = h(
      "button",
      {
        class: `mkb${current ? " cur" : ""}`,
        type: "button",
        tabindex: -1,
        title: label,
        "aria-label": label,
        "aria-current": current ? "true" : null,
      },
      h("i", { class: `mk ${SIGNS[alert.state]}` }),
    );
    return setVar(mark, "--x", place(new Date(alert.opened_at), day));
  }
}

/**
 * @param {number} hour
 * @param {Day} day
 */
function tick(hour, day) {
  const at = new Date(day.since);
  at.setHours(hour);
  return setVar(h("span", {}, `${String(hour).padStart(2, "0")}:00`), "--x", place(at, day));
}

/**
 * Where a moment is in a day, which may have 23 or 25 hours.
 * @param {Date} moment
 * @param {Day} day
 */
function place(moment, { since, until }) {
  const share = (moment.getTime() - since.getTime()) / (until.getTime() - since.getTime());
  return `${Number((Math.max(0, Math.min(1, share)) * 100).toFixed(2))}%`;
}
