// @ts-check
import { opened } from "./alert-words.js";
import { CAMERA_ACTIONS, countLine, inTrouble } from "./camera-states.js";
import { CameraTile } from "./camera-tile.js";
import { h, icon } from "./dom.js";
import { playTime } from "./format.js";
import { Stage } from "./stage.js";

/** @typedef {import("./types.js").Camera} Camera */
/** @typedef {import("./types.js").Alert} Alert */

/** All cameras side by side: how many, which are in trouble, and which has an alert that waits, which comes first. */
export class CameraGrid {
  #store;
  #alerts;
  #onaction;
  #trouble = false;
  /** @type {Map<string, CameraTile>} */
  #tiles = new Map();
  #count = h("p", { class: "sub" });
  #segments = { all: this.#segment("All", false), trouble: this.#segment("Trouble", true) };
  #banner = h("div", { class: "note mark", role: "status", hidden: true });
  #list = h("ul", { class: "tiles", role: "list" });
  #fine = h("p", { class: "sub", hidden: true }, "No camera is in trouble.");
  #stage;
  #add = h(
    "button",
    { class: "btn primary", type: "button", "data-needs": "admin", "aria-haspopup": "dialog", onclick: () => this.#onaction("add", null) },
    icon("plus"),
    "Add camera",
  );

  /**
   * @param {object} options
   * @param {import("./camera-store.js").CameraStore} options.store
   * @param {import("./alert-store.js").AlertStore | null} options.alerts
   * @param {Record<string, import("./states.js").State>} options.states  of all cameras
   * @param {(action: string, camera: Camera | null) => void} options.onaction
   */
  constructor({ store, alerts, states, onaction }) {
    this.#store = store;
    this.#alerts = alerts;
    this.#onaction = onaction;
    const act = (/** @type {string} */ action) => onaction(action, null);
    this.#stage = new Stage({ states, labels: CAMERA_ACTIONS, media: [], tools: [], onaction: act });
    this.#stage.element.classList.add("camempty");
    const filter = h("div", { class: "seg", role: "group", "aria-label": "Filter" }, this.#segments.all, this.#segments.trouble);
    const head = h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", { tabindex: -1 }, "Cameras"), this.#count),
      h("div", { class: "end" }, filter, this.#add),
    );
    this.element = h("div", { class: "camgrid" }, head, this.#banner, this.#stage.element, this.#list, this.#fine);
  }

  /**
   * @param {string} word
   * @param {boolean} trouble
   */
  #segment(word, trouble) {
    const onclick = () => {
      this.#trouble = trouble;
      this.render();
    };
    return h("button", { type: "button", "aria-pressed": "false", onclick }, word, " ", h("span", { class: "n" }));
  }

  /** Pictures are asked for only while the grid is shown. */
  stop() {
    for (const tile of this.#tiles.values()) tile.stop();
  }

  /**
   * Puts the focus on a camera, else on the heading.
   * @param {string} id
   */
  focus(id) {
    const tile = this.#tiles.get(id);
    if (tile) tile.focus();
    else this.element.querySelector("h1")?.focus({ preventScroll: true });
  }

  get #now() {
    return this.#alerts?.now ?? Date.now();
  }

  /** The alert of a camera that waits for a person. @param {Camera} camera */
  #waiting({ id }) {
    return this.#alerts?.waiting.find((alert) => alert.camera === id);
  }

  render() {
    const { all, state } = this.#store;
    const troubled = all.filter(inTrouble);
    const shown = this.#trouble ? troubled : all;
    this.#say(this.#count, all.length ? countLine(all, this.#store.silentS) : "");
    this.#renderSegments({ all: all.length, trouble: troubled.length });
    const empty = state !== "loaded" ? state : all.length ? null : "none";
    this.element.dataset.view = empty ?? "tiles";
    this.#stage.element.hidden = empty === null;
    this.#add.hidden = empty !== null;
    if (empty) this.#stage.show(empty);
    this.#fine.hidden = empty !== null || shown.length > 0;
    this.#renderTiles([...shown].sort((a, b) => Number(Boolean(this.#waiting(b))) - Number(Boolean(this.#waiting(a)))));
    this.#renderBanner(all.map((camera) => this.#waiting(camera)).find(Boolean));
  }

  /** @param {{all: number, trouble: number}} counts */
  #renderSegments(counts) {
    for (const key of /** @type {("all" | "trouble")[]} */ (["all", "trouble"])) {
      this.#segments[key].setAttribute("aria-pressed", String(this.#trouble === (key === "trouble")));
      this.#say(/** @type {Element} */ (this.#segments[key].lastElementChild), String(counts[key]));
    }
    const group = this.#segments.all.parentElement;
    if (group) group.hidden = counts.all === 0;
  }

  /** @param {Camera[]} cameras  in their order */
  #renderTiles(cameras) {
    const ids = new Set(cameras.map(({ id }) => id));
    for (const [id, tile] of this.#tiles) if (!ids.has(id)) this.#drop(id, tile);
    const now = this.#now;
    const { silentS } = this.#store;
    const elements = cameras.map((camera) => {
      const tile = this.#tiles.get(camera.id) ?? this.#new(camera);
      tile.render(camera, { alert: this.#waiting(camera), now, silentS });
      return tile.element;
    });
    if (elements.some((element, at) => this.#list.children[at] !== element)) this.#order(elements);
  }

  /** @param {Camera} camera */
  #new(camera) {
    const { id } = camera;
    const tile = new CameraTile(camera, (action) => this.#onaction(action, this.#store.get(id) ?? null));
    this.#tiles.set(id, tile);
    return tile;
  }

  /**
   * @param {string} id
   * @param {CameraTile} tile
   */
  #drop(id, tile) {
    tile.stop();
    tile.element.remove();
    this.#tiles.delete(id);
  }

  /** Moving an element takes its focus away. @param {HTMLElement[]} elements */
  #order(elements) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const within = this.#list.contains(focused);
    this.#list.replaceChildren(...elements);
    if (within && focused !== document.activeElement) focused?.focus({ preventScroll: true });
  }

  /** @param {Alert | undefined} alert */
  #renderBanner(alert) {
    this.#banner.hidden = !alert;
    if (!alert) return;
    if (this.#banner.dataset.alert !== alert.id) {
      this.#banner.dataset.alert = alert.id;
      const review = h("a", { class: "btn", href: `#/alerts/${alert.id}` }, "Review now");
      const heading = h("b", {}, `Possible ${alert.label} at ${alert.source.name}, ${opened(alert)}.`);
      const waits = h("span", { class: "sub", "aria-live": "off" });
      this.#banner.replaceChildren(icon("alerts"), h("p", {}, heading, " ", waits), h("div", { class: "end" }, review));
    }
    const waited = playTime((this.#now - Date.parse(alert.opened_at)) / 1000);
    this.#say(/** @type {Element} */ (this.#banner.querySelector(".sub")), `Waiting for a person for ${waited}.`);
  }

  /**
   * @param {Element} element
   * @param {string} text
   */
  #say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
}
