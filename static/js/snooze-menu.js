// @ts-check
import { h, icon, setVar } from "./dom.js";

/** @typedef {import("./types.js").Camera} Camera */

const SHORT = [
  { word: "For 15 minutes", seconds: () => 900 },
  { word: "For 1 hour", seconds: () => 3600 },
  { word: "Until tomorrow, 6:00", seconds: untilMorning },
];

/** For how long a camera makes no alerts: a menu while it makes some, else a button that ends the snooze. */
export class SnoozeMenu {
  #onchoose;
  #button;
  #end;
  #pop;
  element;

  /** @param {(seconds: number) => void} onchoose  0 ends it */
  constructor(onchoose) {
    this.#onchoose = onchoose;
    const choices = SHORT.map(({ word, seconds }) =>
      h("button", { class: "btn ghost wide", type: "button", onclick: () => this.#choose(seconds()) }, word),
    );
    const attributes = { class: "pop menu snooze", id: "snooze", popover: "auto", role: "dialog", "aria-label": "Snooze alerts" };
    this.#pop = h("div", { ...attributes, ontoggle: () => this.#place() }, ...choices);
    const opens = { class: "btn", type: "button", popovertarget: "snooze", "aria-haspopup": "dialog" };
    this.#button = h("button", opens, "Snooze", icon("down"));
    this.#end = h("button", { class: "btn", type: "button", hidden: true, onclick: () => onchoose(0) }, "End snooze");
    this.element = h("div", { class: "snoozing" }, this.#button, this.#end, this.#pop);
  }

  /**
   * @param {Camera | undefined} camera
   * @param {number} now  milliseconds
   */
  render(camera, now) {
    const snoozed = Boolean(camera?.snoozed_until && Date.parse(camera.snoozed_until) > now);
    this.#button.hidden = snoozed;
    this.#end.hidden = !snoozed;
    this.#button.disabled = !camera;
  }

  /** @param {number} seconds */
  #choose(seconds) {
    this.#pop.hidePopover();
    this.#onchoose(seconds);
  }

  #place() {
    const { bottom, right } = this.#button.getBoundingClientRect();
    setVar(this.#pop, "--y", `${bottom + 6}px`);
    setVar(this.#pop, "--x", `${Math.max(8, innerWidth - Math.max(right, 200))}px`);
  }
}

function untilMorning() {
  const morning = new Date();
  morning.setDate(morning.getDate() + 1);
  morning.setHours(6, 0, 0, 0);
  return Math.round((morning.getTime() - Date.now()) / 1000);
}
