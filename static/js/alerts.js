// @ts-check
import { AlertDetail } from "./alert-detail.js";
import { AlertEmpty } from "./alert-empty.js";
import { AlertFilters, sourceOf } from "./alert-filters.js";
import { AlertList } from "./alert-list.js";
import { opened, WORDS } from "./alert-words.js";
import { openChannels } from "./channels-dialog.js";
import { DayLane } from "./day-lane.js";
import { h, icon } from "./dom.js";
import { ALERT_STATES } from "./states.js";
import { Verdicts } from "./verdicts.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./alert-filters.js").Segment} Segment */

const narrow = matchMedia("(max-width: 47.99rem)");

/** The place Alerts: what waits for a person, one at a time, and what the day brought. */
export class AlertsPlace {
  #announcer;
  #store;
  #notifications;
  #list;
  #lane = new DayLane((alert) => this.#pickAny(alert));
  #filters = new AlertFilters(() => this.#filtered());
  #detail;
  #empty;
  #verdicts;
  #open = false;
  /** The alert under review, and the one that the address names. */
  #selected = "";
  #named = "";
  /** What is said where the one that the address names is not known. @type {"loading" | "gone" | "unreachable" | "signedOut"} */
  #missing = "gone";
  #loadedDay = "";
  #timer = 0;

  /**
   * @param {object} page
   * @param {import("./types.js").Info} page.info
   * @param {import("./announcer.js").Announcer} page.announcer
   * @param {import("./events.js").ServerEvents} page.events
   * @param {import("./alert-watch.js").AlertWatch | null} page.alerts
   */
  constructor({ info, announcer, events, alerts }) {
    if (!alerts) throw new Error("The place needs the alerts.");
    this.#announcer = announcer;
    this.#store = alerts.store;
    this.#notifications = alerts.notifications;
    const now = () => this.#store.now;
    this.#list = new AlertList(now, (alert) => this.#pick(alert.id));
    this.#detail = new AlertDetail(info.model.classes, now, {
      onconfirm: () => void this.#verdicts.confirm(this.#current, this.#detail.noteText),
      ondismiss: () => this.#verdicts.dismiss(this.#current, this.#detail.noteText),
      onnote: (alert, note) => void this.#verdicts.saveNote(alert, note),
      onsend: (alert, answer) => void this.#verdicts.sendDismissal(alert, answer),
      onundo: (alert) => this.#takeBack(alert),
      onagain: (alert, delivery) => void this.#verdicts.sendAgain(alert, delivery),
      onchannels: () => openChannels(this.#notifications),
    });
    this.#verdicts = new Verdicts({
      store: this.#store,
      detail: this.#detail,
      announcer,
      onnext: (alert) => this.#next(alert),
      current: () => this.#selected,
    });
    this.#empty = new AlertEmpty(info, events, { showAll: () => this.#filters.reset(), load: () => this.#loadAgain() });
    this.element = this.#build();
    this.#store.addEventListener("change", () => this.#render());
    events.on("connected", () => this.#open && !["gone", "loading"].includes(this.#missing) && this.#askNamed());
    this.#notifications.addEventListener("change", () => this.#renderFoot());
  }

  #build() {
    const channels = h(
      "button",
      { class: "btn", type: "button", "aria-haspopup": "dialog", onclick: () => openChannels(this.#notifications) },
      icon("send"),
      "Channels",
    );
    const end = h("div", { class: "end" }, this.#filters.element, channels);
    const head = h("div", { class: "head" }, h("h1", { tabindex: -1 }, "Alerts"), this.#filters.segments, end);
    const parts = [this.#lane, this.#detail, this.#empty, this.#list].map(({ element }) => element);
    this.#renderFoot();
    return h("div", { class: "page alp" }, head, ...parts);
  }

  /** Notifications are asked for here, by a button, and nowhere by themselves. */
  #renderFoot() {
    const ask = h(
      "button",
      { class: "btn small", type: "button", onclick: () => void this.#notifications.turnOn() },
      icon("alerts"),
      "Turn on notifications",
    );
    this.#list.foot = this.#notifications.state === "ask" ? [h("p", {}, "Be told while another window is in front."), ask] : [];
  }

  /**
   * Called when the place is shown, and when the address names another alert.
   * @param {string} id
   */
  open(id) {
    if (!this.#open) this.#enter();
    const before = this.#selected;
    this.#named = id;
    if (id || narrow.matches) this.#selected = id;
    this.#askNamed();
    this.#render();
    if (!narrow.matches) return;
    if (id) this.#detail.focus();
    else this.#list.focus(before);
  }

  #askNamed() {
    this.#missing = "gone"; // one that is known and goes was deleted
    if (this.#named && !this.#store.get(this.#named)) void this.#ask(this.#named);
  }

  /** An alert that the address names and the page does not know yet. @param {string} id */
  async #ask(id) {
    this.#missing = "loading";
    const missing = await this.#store.refresh(id);
    if (id !== this.#named) return;
    this.#missing = missing ?? "gone";
    this.#render();
  }

  #enter() {
    this.#open = true;
    this.#detail.open();
    this.#timer = setInterval(() => this.#tick(), 1000);
    void this.#load();
  }

  /** Called when the place is left: nothing plays that is not seen, and a dismissal is sent. */
  close() {
    this.#open = false;
    clearInterval(this.#timer);
    this.#detail.close();
  }

  async #load() {
    const { day } = this.#filters;
    this.#loadedDay = day.since.toDateString();
    await this.#store.load(day);
  }

  #loadAgain() {
    this.#askNamed();
    void this.#load();
    this.#render();
  }

  #tick() {
    if (document.hidden) return;
    if (this.#filters.day.since.toDateString() !== this.#loadedDay) void this.#load(); // midnight
    this.#list.tick();
    this.#detail.tick();
    this.#lane.now(this.#filters.day);
    this.#empty.tick();
  }

  #filtered() {
    if (this.#filters.day.since.toDateString() !== this.#loadedDay) void this.#load();
    if (!this.#shown().some(({ id }) => id === this.#selected)) this.#name("");
    this.#render();
  }

  get #current() {
    return this.#store.get(this.#selected);
  }

  /** The alerts that the filters let through, in the order of the list. */
  #shown() {
    return this.#sections().flatMap(({ alerts }) => alerts);
  }

  /** @returns {import("./alert-list.js").Section[]} */
  #sections() {
    const { segment, dayName, day } = this.#filters;
    const takes = (/** @type {Alert} */ alert) => this.#filters.takes(alert);
    const ofDay = this.#store.of(day).filter(takes);
    if (segment === "all") return [{ title: "All", sub: "newest first", alerts: ofDay, none: `No alerts ${dayName}.` }];
    if (segment !== "candidate") {
      const alerts = ofDay.filter(({ state }) => state === segment);
      return [{ title: WORDS[segment], sub: dayName, alerts, none: `No ${WORDS[segment].toLowerCase()} alerts ${dayName}.` }];
    }
    const title = this.#filters.isToday ? "Earlier today" : dayName.charAt(0).toUpperCase() + dayName.slice(1);
    const earlier = ofDay.filter(({ state }) => state !== "candidate");
    const waiting = {
      title: "Waiting",
      sub: "newest first",
      alerts: this.#store.waiting.filter(takes),
      none: "Nothing waits for an answer.",
    };
    const { state } = this.#store;
    const none = state === "loaded" ? "None yet." : `${ALERT_STATES[state].heading}.`;
    return earlier.length || waiting.alerts.length ? [waiting, { title, alerts: earlier, none }] : [waiting];
  }

  #render() {
    if (!this.#open) return;
    const sections = this.#sections();
    this.#choose(sections.flatMap(({ alerts }) => alerts));
    const alert = this.#current;
    this.#list.render(sections, this.#selected);
    this.#renderFilters();
    const listed = sections.some(({ alerts }) => alerts.length > 0);
    this.element.dataset.view = alert ? "detail" : listed && !this.#named ? "list" : "empty";
    this.#detail.element.hidden = !alert;
    this.#empty.element.hidden = Boolean(alert);
    this.#empty.show({ store: this.#store, filters: this.#filters, named: this.#named ? this.#missing : null });
    this.#list.element.hidden = !listed;
    if (alert) this.#detail.show(alert);
    else this.#detail.clear();
  }

  #renderFilters() {
    const { day, dayName } = this.#filters;
    const ofDay = this.#store.of(day).filter((alert) => this.#filters.takes(alert));
    const count = (/** @type {Segment} */ state) => ofDay.filter((alert) => alert.state === state).length;
    const waiting = this.#store.waiting.filter((alert) => this.#filters.takes(alert)).length;
    const counts = {
      candidate: waiting,
      confirmed: count("confirmed"),
      dismissed: count("dismissed"),
      expired: count("expired"),
      all: ofDay.length,
    };
    const seen = /** @type {[string, string][]} */ (this.#store.all.map((alert) => [sourceOf(alert), alert.source.name]));
    this.#filters.render(counts, new Map([...this.#empty.cameras, ...seen]));
    this.#lane.render(ofDay, { day, name: dayName, selected: this.#selected });
  }

  /**
   * Keeps one under review: the one that the address names, else the one that was, else the first of the list.
   * @param {Alert[]} shown
   */
  #choose(shown) {
    if (this.#named || this.#current || narrow.matches) return;
    this.#selected = "";
    if (this.#store.state === "loaded" && shown.length) this.#name(shown[0].id);
  }

  /**
   * Writes the alert under review into the address, without a step to go back to.
   * @param {string} id
   */
  #name(id) {
    this.#named = this.#selected = id;
    this.#missing = "gone";
    const address = id ? `#/alerts/${id}` : "#/alerts";
    if (this.#open && location.hash !== address) history.replaceState(null, "", address);
  }

  /**
   * Opens an alert, as a step that "back" undoes.
   * @param {string} id
   */
  #pick(id) {
    if (location.hash === `#/alerts/${id}`) return this.#detail.focus();
    location.hash = `#/alerts/${id}`;
    this.#selected = id;
    this.#render();
    this.#detail.focus();
  }

  /** From the lane, which shows also what the list leaves out. @param {Alert} alert */
  #pickAny(alert) {
    if (!this.#shown().some(({ id }) => id === alert.id)) this.#filters.show("all");
    this.#pick(alert.id);
    this.#list.reveal(alert.id);
  }

  /**
   * After a verdict: the next one that waits, older ones first, else this one stays.
   * @param {Alert} answered
   */
  #next(answered) {
    const waiting = this.#store.waiting.filter((alert) => this.#filters.takes(alert) && alert.id !== answered.id);
    const next = waiting.find((alert) => alert.opened_at < answered.opened_at) ?? waiting[0];
    const word = WORDS[this.#store.get(answered.id)?.state ?? "dismissed"];
    if (!next) {
      this.#announcer.polite(`${word}. No more alerts wait.`);
      return this.#detail.focus();
    }
    this.#announcer.polite(`${word}. Next: ${next.source.name}, ${opened(next)}`);
    this.#name(next.id);
    this.#render();
    this.#list.reveal(next.id);
    this.#detail.focus();
  }

  /** @param {Alert} alert */
  #takeBack(alert) {
    this.#announcer.polite("Taken back. Nobody was told.");
    this.#name(alert.id);
    this.#render();
    this.#detail.focus();
  }

  /** @param {1 | -1} step */
  #step(step) {
    const shown = this.#list.alerts;
    const at = shown.findIndex(({ id }) => id === this.#selected);
    const next = at < 0 ? shown[0] : shown[at + step];
    if (!next) return;
    this.#name(next.id);
    this.#render();
    this.#list.reveal(next.id);
    this.#detail.focus();
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    const move = {
      j: { label: "Next alert", run: () => this.#step(1) },
      k: { label: "Previous alert", run: () => this.#step(-1) },
    };
    if (!this.#current) return move;
    return {
      c: { label: "Confirm", run: () => void this.#verdicts.confirm(this.#current, this.#detail.noteText) },
      d: { label: "Dismiss", run: () => this.#verdicts.dismiss(this.#current, this.#detail.noteText) },
      ...move,
      ...this.#detail.keys(),
    };
  }
}
