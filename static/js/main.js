// @ts-check
import { signOut } from "./api.js";
import { AlertWatch } from "./alert-watch.js";
import { AlertsPlace } from "./alerts.js";
import { Announcer } from "./announcer.js";
import { CamerasPlace } from "./cameras.js";
import { ConnectionNote } from "./connection-note.js";
import { byId, h, icon } from "./dom.js";
import { ServerEvents } from "./events.js";
import { Health } from "./health.js";
import { openHelp, openResponsibleUse } from "./help.js";
import { Live } from "./live.js";
import { PicturePlace } from "./picture.js";
import { MAY_LOOK, markRights, mayChange } from "./rights.js";
import { Router } from "./router.js";
import { ServerButton } from "./server-button.js";
import { Shortcuts } from "./shortcuts.js";
import { loadSprite } from "./sprite.js";
import { ThemeMenu } from "./theme.js";
import { VideoPlace } from "./video.js";

/**
 * @typedef {object} Place
 * @property {HTMLElement} element
 * @property {(id: string) => unknown} open  called when the place is shown, and when its address names another thing in it
 * @property {() => void} close
 * @property {() => import("./shortcuts.js").Keys} keys
 * @property {(files: File[]) => void} [take]  files that were dropped elsewhere and belong here
 */

/**
 * The places by name, in their order; one that the server does not have is not shown.
 * @type {Record<string, {word: string, icon: string, feature: string, kind: new (page: any) => Place}>}
 */
const PLACES = {
  live: { word: "Live", icon: "live", feature: "live", kind: Live },
  video: { word: "Video", icon: "video", feature: "videos", kind: VideoPlace },
  picture: { word: "Picture", icon: "picture", feature: "picture", kind: PicturePlace },
  cameras: { word: "Cameras", icon: "cameras", feature: "cameras", kind: CamerasPlace },
  alerts: { word: "Alerts", icon: "alerts", feature: "alerts", kind: AlertsPlace },
};

/** The page: its bar, its places, and which of them is open. */
class App {
  #health = new Health();
  #announcer = new Announcer();
  /** @type {Map<string, Place>} */
  #places = new Map();
  #open = "";
  /** @type {AlertWatch | null} */
  #alerts = null;
  #starting = byId("starting");
  #shortcuts = new Shortcuts(() => this.#keys());

  async start() {
    await loadSprite().catch(() => undefined); // words stand beside all icons
    new ThemeMenu(byId("theme"));
    new ServerButton(byId("server"), this.#health);
    byId("help").addEventListener("click", () => openHelp(this.#shortcuts, this.#alerts));
    byId("responsible").addEventListener("click", openResponsibleUse);
    this.#shortcuts.open();
    this.#health.addEventListener("change", () => this.#waitForInfo());
    await this.#health.open();
  }

  /** The first answer of the server says which places there are; until it comes the page says so. */
  #waitForInfo() {
    const { info } = this.#health;
    this.#starting.hidden = info !== null || this.#health.state === "loading";
    if (!info || this.#places.size) return;
    this.#showSource(info);
    this.#showAccount(info);
    markRights(info);
    const has = (/** @type {string} */ place) => info.features.includes(PLACES[place].feature);
    const events = new ServerEvents({ videos: has("video"), cameras: has("cameras"), alerts: has("alerts") });
    if (has("alerts")) this.#alerts = new AlertWatch(info, events, this.#announcer);
    const handOver = (/** @type {string} */ place, /** @type {File[]} */ files) => this.#handOver(place, files);
    const page = { health: this.#health, info, announcer: this.#announcer, events, handOver, alerts: this.#alerts };
    for (const place of Object.keys(PLACES).filter(has)) this.#places.set(place, new PLACES[place].kind(page));
    this.#buildNavigation();
    new ConnectionNote(page);
    events.open();
    new Router([...this.#places.keys()], (place, options) => this.#go(place, options)).open();
  }

  #buildNavigation() {
    for (const id of ["nav", "tabs"]) {
      byId(id).replaceChildren(
        ...[...this.#places.keys()].map((place) =>
          h(
            "a",
            { href: `#/${place}`, "data-place": place },
            icon(PLACES[place].icon),
            h("span", {}, PLACES[place].word),
            place === "alerts" && (this.#alerts?.badge() ?? null),
          ),
        ),
      );
    }
  }

  /**
   * Takes files to the place that they belong to, if the server has it.
   * @param {string} place
   * @param {File[]} files
   */
  #handOver(place, files) {
    const other = this.#places.get(place);
    if (!other?.take) return false;
    location.hash = `#/${place}`;
    other.take(files);
    return true;
  }

  /**
   * @param {string} place
   * @param {{id: string, first: boolean}} options
   */
  #go(place, { id, first }) {
    const shown = this.#places.get(place);
    if (!shown) return;
    if (place === this.#open) return void shown.open(id);
    this.#places.get(this.#open)?.close();
    this.#open = place;
    byId("main").replaceChildren(shown.element);
    void shown.open(id);
    if (this.#alerts) this.#alerts.place = PLACES[place].word;
    else document.title = `${PLACES[place].word} - Sightline`;
    for (const link of document.querySelectorAll("[data-place]")) {
      if (/** @type {HTMLElement} */ (link).dataset.place === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (first) return;
    scrollTo(0, 0);
    // a place may have a heading for each of its views
    [...shown.element.querySelectorAll("h1")].find((heading) => heading.checkVisibility())?.focus({ preventScroll: true });
  }

  /** @returns {import("./shortcuts.js").Keys} */
  #keys() {
    return this.#places.get(this.#open)?.keys() ?? {};
  }

  /** @param {import("./types.js").Info} info */
  #showSource(info) {
    byId("version").textContent = `Sightline ${info.version}`;
    byId("source").setAttribute("href", /^https?:\/\//.test(info.source) || info.source.startsWith("/") ? info.source : "#");
  }

  /** @param {import("./types.js").Info} info */
  #showAccount(info) {
    const { auth } = info;
    const button = byId("account");
    button.hidden = !auth?.required;
    if (button.hidden) return;
    const problem = h("p", { class: "err", role: "alert" });
    const leave = () =>
      signOut().then(
        () => location.reload(),
        (error) => (problem.textContent = `${error.message} You are still signed in.`),
      );
    const pop = h(
      "div",
      { class: "pop", id: "account-pop", popover: "auto", role: "dialog", "aria-label": "Account" },
      h("p", {}, `Signed in as ${auth?.name ?? "API key"}`),
      !mayChange(info) && h("p", { class: "sub" }, MAY_LOOK),
      h("button", { class: "btn wide", type: "button", onclick: leave }, "Sign out"),
      problem,
    );
    button.setAttribute("popovertarget", pop.id);
    button.after(pop);
  }
}

await new App().start();
