// @ts-check
import { SIGNS, stateWord } from "./alert-words.js";
import { CAMERA_ACTIONS, CAMERA_STATES, chipOf, freshness, noNews, soon, valuesOf } from "./camera-states.js";
import { backOff } from "./countdown.js";
import { h, icon } from "./dom.js";
import { capital, percent, timeOfDay } from "./format.js";
import { MaskDialog } from "./mask-editor.js";
import { mayChange } from "./rights.js";
import { SnoozeMenu } from "./snooze-menu.js";
import { ALERT_STATES } from "./states.js";
import { StreamWatch } from "./stream-watch.js";

/** @typedef {import("./types.js").Camera} Camera */
/** @typedef {import("./types.js").Alert} Alert */

const FIRST_WAIT = 3; // the first attempt of `backOff` that waits 2 s

/** One camera large: its video as it is now, its alerts of today, and its settings. */
export class CameraView {
  #store;
  #alerts;
  #info;
  #iceServers;
  #announcer;
  #onaction;
  #id = "";
  /** @type {StreamWatch | null} */
  #watch = null;
  #timer = 0;
  #failures = 0;
  /** The day whose alerts were asked for. */
  #day = "";
  #heading = h("h1", { tabindex: -1 });
  #sub = h("p", { class: "sub" });
  #stageBox = h("div", { class: "col" });
  #list = h("ul", { class: "rows", role: "list" });
  #count = h("span", { class: "id" });
  #none = h("p", { class: "teach" });
  #snooze = new SnoozeMenu((seconds) => this.#act(`snooze:${seconds}`));
  #mask = this.#button("tune", "Mask", () => this.#editMask());
  #power = h("button", { class: "btn", type: "button", onclick: () => this.#switch() });

  /**
   * @param {object} options
   * @param {import("./camera-store.js").CameraStore} options.store
   * @param {import("./alert-store.js").AlertStore | null} options.alerts
   * @param {import("./types.js").Info} options.info
   * @param {() => RTCIceServer[]} options.iceServers
   * @param {import("./announcer.js").Announcer} options.announcer
   * @param {(action: string, camera: Camera | null) => void} options.onaction
   */
  constructor({ store, alerts, info, iceServers, announcer, onaction }) {
    this.#store = store;
    this.#alerts = alerts;
    this.#info = info;
    this.#iceServers = iceServers;
    this.#announcer = announcer;
    this.#onaction = onaction;
    const back = h("a", { class: "btn ghost", href: "#/cameras" }, icon("left"), "All cameras");
    const settings = this.#button("edit", "Settings", () => this.#act("edit"));
    const buttons = h("div", { class: "end", "data-needs": "admin" }, this.#snooze.element, this.#power, this.#mask, settings);
    const head = h("div", { class: "head" }, back, h("div", { class: "titles" }, this.#heading, this.#sub), buttons);
    const rail = h(
      "section",
      { class: "card camrail", "aria-label": "Alerts of today" },
      h("div", { class: "card-head" }, h("h2", {}, "Alerts of today"), this.#count),
      this.#none,
      this.#list,
    );
    this.element = h("div", { class: "camview", hidden: true }, head, this.#stageBox, rail);
  }

  /**
   * @param {string} name
   * @param {string} word
   * @param {() => void} onclick
   */
  #button(name, word, onclick) {
    const shape = name === "edit" ? icon("edit") : icon("tune");
    return h("button", { class: "btn", type: "button", "aria-haspopup": "dialog", onclick }, shape, word);
  }

  get #camera() {
    return this.#store.get(this.#id);
  }

  /** @param {string} action */
  #act(action) {
    if (action === "back") location.hash = "#/cameras";
    else if (action === "again") this.#play();
    else this.#onaction(action, this.#camera ?? null);
  }

  #switch() {
    this.#act(this.#camera?.state === "off" ? "switchOn" : "switchOff");
  }

  focus() {
    this.#heading.focus({ preventScroll: true });
  }

  /** @param {string} id */
  open(id) {
    if (id !== this.#id) this.close();
    this.#id = id;
    this.render();
  }

  close() {
    clearTimeout(this.#timer);
    this.#watch?.close();
    this.#watch = null;
    this.#stageBox.replaceChildren();
    this.#id = this.#day = "";
    this.#failures = 0;
  }

  render() {
    const camera = this.#camera;
    const now = this.#alerts?.now ?? Date.now();
    if (!this.#id) return;
    this.#loadDay(now);
    if (!camera && this.#store.state !== "loaded") return; // whether it is gone is not known
    this.element.dataset.state = camera?.state ?? "gone";
    const said = camera ? this.#said(camera, now) : "";
    setText(this.#heading, camera?.name ?? "Cameras");
    setText(this.#sub, camera?.snoozed_until && Date.parse(camera.snoozed_until) > now ? `${said} · ${snoozed(camera, now)}` : said);
    this.#mask.disabled = !camera?.width;
    setText(this.#power, camera?.state === "off" ? "Switch on" : "Switch off");
    this.#snooze.render(camera, now);
    this.#renderStage(camera, now);
    this.#renderAlerts(now);
  }

  /**
   * @param {Camera} camera
   * @param {number} now
   */
  #said(camera, now) {
    const { silentS } = this.#store;
    if (silentS) return [noNews(silentS).word, size(camera)].filter(Boolean).join(" · ");
    return [chipOf(camera, now).word, size(camera), freshness(camera)].filter(Boolean).join(" · ");
  }

  /** Has the alerts of today asked for, once when the view is opened and again at midnight. @param {number} now */
  #loadDay(now) {
    const day = dayAround(now);
    if (day.since.toDateString() === this.#day) return;
    this.#day = day.since.toDateString();
    void this.#alerts?.load(day);
  }

  /**
   * The video plays while there is one; else the stage says why not.
   * @param {Camera | undefined} camera
   * @param {number} now
   */
  #renderStage(camera, now) {
    const watch = (this.#watch ??= this.#newWatch(camera));
    const playing = camera && (camera.state === "live" || camera.state === "stalled");
    const played = this.#stageBox.dataset.plays === "yes";
    this.#stageBox.dataset.plays = playing ? "yes" : "no";
    watch.silent = this.#store.silentS > 0;
    if (playing && !played) this.#play();
    if (playing) return;
    if (played) watch.stop();
    watch.stage.show(camera ? camera.state : "gone", camera ? valuesOf(camera, now) : {});
  }

  /** @param {Camera | undefined} camera */
  #newWatch(camera) {
    const stream = { id: this.#id, name: camera?.name ?? "", shape: null };
    const watch = new StreamWatch({
      stream,
      iceServers: this.#iceServers,
      announcer: this.#announcer,
      states: CAMERA_STATES,
      labels: CAMERA_ACTIONS,
      onaction: (action) => this.#act(action),
      values: () => (this.#camera ? valuesOf(this.#camera, Date.now()) : {}),
      onended: () => this.#again(),
    });
    this.#stageBox.dataset.plays = "no";
    this.#stageBox.replaceChildren(...watch.elements);
    return watch;
  }

  /** @param {{quiet?: boolean}} [how] */
  #play(how) {
    clearTimeout(this.#timer);
    if (this.#stageBox.dataset.plays === "yes") void this.#watch?.open(how);
  }

  /** Opens the video once more by itself, later and later while it does not open. */
  #again() {
    clearTimeout(this.#timer);
    this.#failures = this.#watch?.stage.shown === "failed" ? this.#failures + 1 : 0;
    this.#timer = setTimeout(() => this.#play({ quiet: true }), backOff(FIRST_WAIT + this.#failures) * 1000);
  }

  /** @param {number} now */
  #renderAlerts(now) {
    const today = new Date(now).toDateString();
    const all = this.#alerts?.all.filter(({ camera, opened_at }) => camera === this.#id && new Date(opened_at).toDateString() === today);
    const alerts = all ?? [];
    const none = this.#noneWords;
    const key = JSON.stringify([none, alerts.map((alert) => [alert.id, alert.confidence, stateWord(alert, now)])]);
    if (this.#list.dataset.key === key) return;
    this.#list.dataset.key = key;
    setText(this.#count, alerts.length ? String(alerts.length) : "");
    this.#none.hidden = alerts.length > 0;
    setText(this.#none, none);
    this.#list.replaceChildren(...alerts.map((alert) => row(alert, now)));
  }

  get #noneWords() {
    if (!this.#alerts) return "This server makes no alerts.";
    const { state } = this.#alerts;
    return state === "loaded" ? "Nothing today." : `${ALERT_STATES[state].heading}.`;
  }

  #editMask() {
    const camera = this.#camera;
    if (!camera) return;
    new MaskDialog({
      camera,
      onsaved: (saved) => {
        this.#store.put(saved);
        this.#announcer.polite("The mask is saved.");
      },
    });
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    if (!mayChange(this.#info)) return {};
    return {
      e: { label: "Settings of this camera", run: () => this.#act("edit") },
      m: { label: "Mask of this camera", run: () => this.#mask.disabled || this.#editMask() },
    };
  }
}

/**
 * @param {Alert} alert
 * @param {number} now
 */
function row(alert, now) {
  const { id, label, confidence, state, opened_at } = alert;
  const link = h("a", { class: "rowlink", href: `#/alerts/${id}` }, `${capital(label)} ${percent(confidence)}`);
  const word = h("span", { class: `st ${SIGNS[state]}` }, stateWord(alert, now));
  return h("li", {}, h("time", { datetime: opened_at, class: "m" }, timeOfDay(new Date(opened_at))), link, word);
}

/** The day of a moment. @param {number} now */
function dayAround(now) {
  const since = new Date(now);
  since.setHours(0, 0, 0, 0);
  const until = new Date(since);
  until.setDate(until.getDate() + 1);
  return { since, until };
}

/** @param {Camera} camera */
const size = ({ width, height, codec }) => [width && `${width} × ${height}`, codec?.toUpperCase()].filter(Boolean).join(", ");

/**
 * @param {Camera} camera
 * @param {number} now
 */
const snoozed = ({ snoozed_until }, now) => `alerts snoozed until ${soon(new Date(snoozed_until ?? 0), now)}`;

/**
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
