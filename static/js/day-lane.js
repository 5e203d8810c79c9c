// @ts-check
import { opened, WORDS } from "./alert-words.js";
import { h, setVar } from "./dom.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./alert-store.js").Day} Day */

const SIGNS = { candidate: "wait", confirmed: "con", dismissed: "dis", expired: "exp" };
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21];

/** All alerts of a day by the hour. The list says the same in words, so the marks are no stops of the Tab key. */
export class DayLane {
  #onpick;
  #seen = h("span", { class: "seen" });
  #marks = h("div");
  #lane = h("div", { class: "daylane" }, this.#seen, this.#marks);
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
    this.element.setAttribute("aria-label", `Alerts ${name} by hour`);
    this.#ticks.replaceChildren(...HOURS.map((hour) => tick(hour, day)));
    this.#marks.replaceChildren(...[...alerts].reverse().map((alert) => this.#mark(alert, day, alert.id === selected)));
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
        onclick: () => this.#onpick(alert),
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
