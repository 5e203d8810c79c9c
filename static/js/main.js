// @ts-check
import { signOut } from "./api.js";
import { Announcer } from "./announcer.js";
import { byId, h, icon } from "./dom.js";
import { Health } from "./health.js";
import { openHelp, openResponsibleUse } from "./help.js";
import { Live } from "./live.js";
import { PicturePlace } from "./picture.js";
import { Router } from "./router.js";
import { ServerButton } from "./server-button.js";
import { Shortcuts } from "./shortcuts.js";
import { loadSprite } from "./sprite.js";
import { ThemeMenu } from "./theme.js";

/** @typedef {{element: HTMLElement, open(): unknown, close(): void}} Place */

/** @type {Record<string, {word: string, icon: string}>} */
const PLACES = { live: { word: "Live", icon: "live" }, picture: { word: "Picture", icon: "picture" } };

/** The page: its bar, its places, and which of them is open. */
class App {
  #health = new Health();
  #announcer = new Announcer();
  /** @type {Map<string, Live | PicturePlace>} */
  #places = new Map();
  #open = "";
  #starting = byId("starting");
  #shortcuts = new Shortcuts(() => this.#keys());

  async start() {
    await loadSprite().catch(() => undefined); // words stand beside all icons
    new ThemeMenu(byId("theme"));
    new ServerButton(byId("server"), this.#health);
    byId("help").addEventListener("click", () => openHelp(this.#shortcuts));
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
    const page = { health: this.#health, info, announcer: this.#announcer };
    for (const place of Object.keys(PLACES).filter((name) => info.features.includes(name)))
      this.#places.set(place, place === "live" ? new Live(page) : new PicturePlace(page));
    this.#buildNavigation();
    new Router([...this.#places.keys()], (place, first) => this.#go(place, first)).open();
  }

  #buildNavigation() {
    for (const id of ["nav", "tabs"]) {
      byId(id).replaceChildren(
        ...[...this.#places.keys()].map((place) =>
          h("a", { href: `#/${place}`, "data-place": place }, icon(PLACES[place].icon), h("span", {}, PLACES[place].word)),
        ),
      );
    }
  }

  /**
   * @param {string} place
   * @param {boolean} first
   */
  #go(place, first) {
    if (place === this.#open) return;
    this.#places.get(this.#open)?.close();
    this.#open = place;
    const shown = this.#places.get(place);
    if (!shown) return;
    byId("main").replaceChildren(shown.element);
    void shown.open();
    document.title = `${PLACES[place].word} - Sightline`;
    for (const link of document.querySelectorAll("[data-place]")) {
      if (/** @type {HTMLElement} */ (link).dataset.place === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (first) return;
    scrollTo(0, 0);
    shown.element.querySelector("h1")?.focus({ preventScroll: true });
  }

  /** @returns {import("./shortcuts.js").Keys} */
  #keys() {
    const place = this.#places.get(this.#open);
    if (!place) return {};
    return {
      b: { label: "Boxes on or off", run: () => place.toggleBoxes() },
      f: { label: "Full screen", run: () => place.fullScreen() },
      s: { label: "Save the picture", run: () => void place.savePicture() },
    };
  }

  /** @param {import("./types.js").Info} info */
  #showSource(info) {
    byId("version").textContent = `Sightline ${info.version}`;
    byId("source").setAttribute("href", /^https?:\/\//.test(info.source) || info.source.startsWith("/") ? info.source : "#");
  }

  /** @param {import("./types.js").Info} info */
  #showAccount({ auth }) {
    const button = byId("account");
    button.hidden = !auth?.required;
    if (button.hidden) return;
    const leave = async () => {
      await signOut();
      location.reload();
    };
    const pop = h(
      "div",
      { class: "pop", id: "account-pop", popover: "auto", role: "dialog", "aria-label": "Account" },
      h("p", {}, `Signed in as ${auth?.name ?? "API key"}`),
      h("button", { class: "btn wide", type: "button", onclick: leave }, "Sign out"),
    );
    button.setAttribute("popovertarget", pop.id);
    button.after(pop);
  }
}

await new App().start();
