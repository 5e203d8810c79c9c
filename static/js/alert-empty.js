// @ts-check
import { WORDS } from "./alert-words.js";
import { countOf, roughly } from "./format.js";
import { LOOKING, mayChange } from "./rights.js";
import { Stage } from "./stage.js";
import { ALERT_STATES } from "./states.js";

/** @typedef {{id: string, name: string, state: string}} CameraState */
/** @typedef {import("./alert-store.js").AlertStore} AlertStore */
/** @typedef {import("./alert-filters.js").AlertFilters} AlertFilters */
/** @typedef {{store: AlertStore, filters: AlertFilters, named: string | null}} Shown  the state of the one in the address */

/** What the place Alerts says when no alert is shown, with who is watching. */
export class AlertEmpty {
  #watches;
  #events;
  #noun;
  #hasCameras;
  #stage;
  /** @type {CameraState[]} */
  #cameras = [];
  #checkedAt = 0;
  /** @type {Shown | null} */
  #shown = null;

  /**
   * @param {import("./types.js").Info} info
   * @param {import("./events.js").ServerEvents} events
   * @param {{showAll: () => void, load: () => void}} on
   */
  constructor(info, events, { showAll, load }) {
    this.#events = events;
    this.#hasCameras = info.features.includes("cameras");
    this.#noun = info.model.classes.length === 1 ? info.model.classes[0] : "object";
    this.#watches = (info.alerts?.sources ?? []).some((source) => source !== "camera");
    const acts = {
      showAll,
      now: load,
      addCamera: () => (location.hash = "#/cameras"),
      toCameras: () => (location.hash = "#/cameras"),
      toLive: () => (location.hash = "#/live"),
      signIn: () => location.reload(),
    };
    const onaction = (/** @type {string} */ action) => acts[/** @type {keyof typeof acts} */ (action)]?.();
    const states = mayChange(info) ? ALERT_STATES : { ...ALERT_STATES, noCameras: LOOKING.alerts };
    this.#stage = new Stage({ states, media: [], tools: [], onaction });
    this.#stage.element.classList.add("alempty");
    this.#stage.show("loading");
    events.on("cameras", ({ cameras }) => {
      this.#cameras = cameras;
      this.tick();
    });
    events.on("camera_ages", ({ cameras }) => this.#heardAges(cameras));
  }

  get element() {
    return this.#stage.element;
  }

  /** The cameras of the server, names by id. @returns {[string, string][]} */
  get cameras() {
    return this.#cameras.map(({ id, name }) => [id, name]);
  }

  /** @param {{age_ms: number | null}[]} ages */
  #heardAges(ages) {
    const youngest = Math.min(...ages.map(({ age_ms }) => age_ms ?? Infinity));
    if (Number.isFinite(youngest)) this.#checkedAt = Date.now() - youngest;
  }

  /** @param {Shown} shown */
  show(shown) {
    this.#shown = shown;
    this.tick();
  }

  /** @param {Shown} shown */
  #state({ store, filters, named }) {
    if (named) return named;
    if (store.state !== "loaded") return store.state;
    if (filters.source || !["candidate", "all"].includes(filters.segment)) return "filtered";
    if (!filters.isToday) return "noneThatDay";
    if (this.#cameras.length) return "none";
    if (!this.#hasCameras) return "noneWatched";
    return this.#watches ? "noneAddCamera" : "noCameras";
  }

  /** Renews what it says of the cameras; once a second. */
  tick() {
    if (!this.#shown || this.element.hidden) return;
    const { filters } = this.#shown;
    const values = { day: filters.dayName, state: word(filters.segment), watching: this.#watching, noun: this.#noun };
    this.#stage.show(this.#state(this.#shown), values);
  }

  get #watching() {
    const { silentS } = this.#events;
    if (silentS) return `Nothing was heard of the cameras for ${roughly(silentS)}, so what came since is not known here.`;
    const live = this.#cameras.filter(({ state }) => state === "live").length;
    const ago = this.#checkedAt ? `, last checked ${Math.floor((Date.now() - this.#checkedAt) / 1000)} s ago` : "";
    return `${countOf(live, "camera")} watching${live ? ago : ""}.`;
  }
}

/** @param {import("./alert-filters.js").Segment} segment */
const word = (segment) => (segment === "all" || segment === "candidate" ? "" : `${WORDS[segment].toLowerCase()} `);
