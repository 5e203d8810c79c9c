// @ts-check
import { ApiError, decideAlert, getAlert, listAlerts, saveAlertNote } from "./api.js";
import { ownName } from "./own-name.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {{since: Date, until: Date}} Day  the first moment of a day, and the first after it */

const SKEW_MS = 3000; // answers carry whole seconds, and travel: less is no difference of clocks
const MOST = 500; // of one day; what waits is always there in full

/** All alerts that the page knows of: those that wait, and those of the day that is looked at. Dispatches "change", "new", "decided". */
export class AlertStore extends EventTarget {
  /** Of the day that is looked at. @type {"loading" | "loaded" | "unreachable" | "signedOut"} */
  state = "loading";
  /** @type {Map<string, Alert>} */
  #alerts = new Map();
  /** Those that the events told of while a list was asked for: they are newer. @type {Set<string>} */
  #told = new Set();
  #heard = false;
  #skewMs = 0;
  /** @type {Day | null} */
  #day = null;

  /** @param {import("./events.js").ServerEvents} events */
  constructor(events) {
    super();
    events.on("connected", () => this.#day && void this.load(this.#day));
    events.on("alerts", ({ alerts }) => this.#hearWaiting(alerts));
    events.on("alert", (alert) => this.#hear(alert));
    events.on("alert_removed", ({ id }) => this.#remove(id));
  }

  /** The time of the server, which is not always that of the device; milliseconds. */
  get now() {
    return Date.now() + this.#skewMs;
  }

  /** Those that wait for a person, newest first. */
  get waiting() {
    return this.all.filter((alert) => alert.state === "candidate");
  }

  /** Newest first. */
  get all() {
    return [...this.#alerts.values()].sort((a, b) => time(b) - time(a));
  }

  /** @param {string} id */
  get(id) {
    return this.#alerts.get(id);
  }

  /**
   * Those of a day, newest first.
   * @param {Day} day
   */
  of({ since, until }) {
    return this.all.filter((alert) => time(alert) >= since.getTime() && time(alert) < until.getTime());
  }

  /**
   * Asks for the alerts of a day; of another day than before nothing is known until the answer comes.
   * @param {Day} day
   */
  async load(day) {
    const another = this.#day?.since.getTime() !== day.since.getTime();
    this.#day = day;
    if (another) this.state = "loading";
    this.#told.clear();
    const query = new URLSearchParams({
      since: day.since.toISOString(),
      until: day.until.toISOString(),
      limit: String(MOST),
    });
    try {
      const { alerts, answeredAt } = await listAlerts(query);
      const skew = answeredAt - Date.now();
      this.#skewMs = Math.abs(skew) > SKEW_MS ? skew : 0;
      if (this.#day !== day) return;
      for (const old of this.of(day)) if (!this.#told.has(old.id)) this.#alerts.delete(old.id);
      for (const alert of alerts) if (!this.#told.has(alert.id)) this.#alerts.set(alert.id, alert);
      this.state = "loaded";
    } catch (error) {
      if (this.#day !== day) return;
      if (this.state !== "loaded") this.state = whyNot(error);
    }
    this.#changed();
  }

  /**
   * Asks for one alert anew; what is not there any more goes. Returns why it did not come, null where it did.
   * @param {string} id
   */
  async refresh(id) {
    try {
      this.#put(await getAlert(id));
      return null;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) return whyNot(error);
      this.#remove(id);
      return "gone";
    }
  }

  /**
   * @param {string} id
   * @param {"confirm" | "dismiss"} verdict
   * @param {{note: string | null, reason?: string | null}} answer
   */
  async decide(id, verdict, answer) {
    this.#put(await decideAlert(id, verdict, { ...answer, ...(ownName() && { by: ownName() }) }));
  }

  /**
   * @param {string} id
   * @param {string} note
   */
  async saveNote(id, note) {
    this.#put(await saveAlertNote(id, note));
  }

  /**
   * The alerts that wait when the connection stands: what was not heard of before came in the meantime.
   * @param {Alert[]} alerts
   */
  #hearWaiting(alerts) {
    const ids = new Set(alerts.map(({ id }) => id));
    for (const { id } of this.waiting) if (!ids.has(id)) void this.refresh(id);
    const fresh = this.#heard ? alerts.filter(({ id }) => !this.#alerts.has(id)) : [];
    this.#heard = true;
    for (const alert of alerts) this.#keep(alert);
    this.#changed();
    for (const alert of fresh) this.#tell("new", alert);
  }

  /** @param {Alert} alert */
  #hear(alert) {
    const known = this.#alerts.has(alert.id);
    this.#put(alert);
    if (!known && alert.state === "candidate") this.#tell("new", alert);
  }

  /** @param {Alert} alert */
  #put(alert) {
    const before = this.#alerts.get(alert.id)?.state;
    this.#keep(alert);
    this.#changed();
    if (before && before !== alert.state) this.#tell("decided", alert);
  }

  /** @param {Alert} alert */
  #keep(alert) {
    this.#alerts.set(alert.id, alert);
    this.#told.add(alert.id);
  }

  /** @param {string} id */
  #remove(id) {
    if (this.#alerts.delete(id)) this.#changed();
  }

  /**
   * @param {"new" | "decided"} name
   * @param {Alert} alert
   */
  #tell(name, alert) {
    this.dispatchEvent(new CustomEvent(name, { detail: alert }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {unknown} error
 * @returns {"signedOut" | "unreachable"}
 */
const whyNot = (error) => (error instanceof ApiError && error.status === 401 ? "signedOut" : "unreachable");

/** @param {Alert} alert */
const time = (alert) => Date.parse(alert.opened_at);
