// @ts-check
import { CAMERA_ACTIONS, CAMERA_STATES, chipOf, freshness, lastEvent, noNews, valuesOf } from "./camera-states.js";
import { h } from "./dom.js";
import { capital, percent } from "./format.js";
import { Snapshot } from "./snapshots.js";
import { Stage } from "./stage.js";

/** @typedef {import("./types.js").Camera} Camera */
/** @typedef {import("./types.js").Alert} Alert */

/** @typedef {{alert: Alert | undefined, now: number, silentS: number}} Around  the alert waits, nothing was heard for so long */

const OLD_PICTURE_S = 10; // with many cameras, or a slow network, a picture waits its turn for some seconds

/** One camera among others: its newest picture, how it is, and what happened last; or what is wrong and what to do. */
export class CameraTile {
  #snapshot;
  #stage;
  #name = h("span", { class: "chip" });
  #link;
  #left = h("span", { class: "sub" });
  #last = h("span", { class: "last" });
  #again;

  /**
   * @param {Camera} camera
   * @param {(action: string) => void} onaction  a key of CAMERA_ACTIONS
   */
  constructor(camera, onaction) {
    this.#snapshot = new Snapshot(camera);
    this.#link = h("a", { class: "cover", href: `#/cameras/${camera.id}` });
    const media = [this.#snapshot.element, this.#link];
    this.#stage = new Stage({ states: CAMERA_STATES, labels: CAMERA_ACTIONS, media, tools: [], onaction });
    this.#stage.element.classList.remove("bleed");
    this.#stage.element.append(h("div", { class: "screen-end" }, this.#name));
    const onclick = () => onaction("reconnect");
    const attributes = { class: "link", type: "button", "data-needs": "admin", hidden: true, onclick };
    this.#again = h("button", attributes, CAMERA_ACTIONS.reconnect.label);
    const foot = h("div", { class: "tf" }, this.#left, this.#again, this.#last);
    this.element = h("li", { class: "card tile" }, this.#stage.element, foot);
  }

  start() {
    this.#snapshot.start();
  }

  stop() {
    this.#snapshot.stop();
  }

  focus() {
    this.#link.focus();
  }

  /**
   * @param {Camera} camera
   * @param {Around} around
   */
  render(camera, around) {
    const { alert, now } = around;
    const doubt = this.#doubt(camera, around);
    const chip = doubt ?? chipOf(camera, now);
    const pictured = camera.state === "live" || (camera.state === "stalled" && this.#snapshot.has);
    if (pictured) this.#stage.showPicture(chip);
    else this.#stage.show(camera.state, valuesOf(camera, now));
    if (camera.state === "live") this.start();
    else this.stop(); // there is no new picture to ask for
    this.#stage.element.classList.toggle("stale", this.#isStale(camera, around));
    this.#setText(this.#name, camera.name);
    const open = `${camera.name}, ${chip.word}${alert ? ", an alert waits" : ""}`;
    if (this.#link.getAttribute("aria-label") !== open) this.#link.setAttribute("aria-label", open);
    this.element.classList.toggle("hot", Boolean(alert));
    const age = this.#stage.shown === null && !doubt ? freshness(camera) : ""; // the chip has the word beside a picture
    this.#left.className = age ? "sub" : `st ${chip.sign}`;
    this.#setText(this.#left, age || chip.word);
    this.#renderLast(camera, around);
  }

  /**
   * What is said in place of a state that the picture or the connection does not bear out; null where they do.
   * @param {Camera} camera
   * @param {Around} around
   */
  #doubt({ state }, { silentS }) {
    if (silentS) return noNews(silentS);
    const { ageS } = this.#snapshot;
    return state === "live" && ageS > OLD_PICTURE_S ? { sign: "warn", word: `${ageS} s old` } : null;
  }

  /**
   * Whether the picture is not to be taken for what is there now. Pictures may come although nothing else is heard.
   * @param {Camera} camera
   * @param {Around} around
   */
  #isStale({ state }, { silentS }) {
    const { has, ageS } = this.#snapshot;
    return state === "stalled" || ageS > OLD_PICTURE_S || (silentS > 0 && !has);
  }

  /**
   * @param {Camera} camera
   * @param {Around} around
   */
  #renderLast(camera, { alert, now, silentS }) {
    this.#again.hidden = camera.state !== "stalled" || this.#stage.shown !== null;
    this.#last.className = alert ? "last st mark" : "last";
    const waiting = alert && `${capital(alert.label)} ${percent(alert.confidence)}${silentS ? "" : " now"}`;
    this.#setText(this.#last, waiting ?? lastEvent(camera, now));
  }

  /**
   * @param {HTMLElement} element
   * @param {string} text
   */
  #setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
}
