// @ts-check
import { byId } from "./dom.js";
import { Note } from "./note.js";
import { ACTIONS } from "./states.js";

const LOST = { heading: "Connection lost.", text: "Lists, states and alerts are not renewed. We try again by ourselves." };
const REFUSED = {
  heading: "No news from the server.",
  text: "It answers, but lets this page follow nothing: too many pages may be open. We try again by ourselves.",
};
const SIGNED_OUT = { heading: "Please sign in again.", text: "Your sign-in has run out, so what you see is not renewed." };

/** Says above every place, and once aloud, that nothing is heard of the server any more, and what to do. */
export class ConnectionNote {
  #note = new Note();
  #place = byId("connection");
  #events;
  #health;
  #announcer;
  #lost = false;
  /** Whether the server has answered since, and how it was before. */
  #answered = false;
  #before;
  #said = "";

  /**
   * @param {object} page
   * @param {import("./events.js").ServerEvents} page.events
   * @param {import("./health.js").Health} page.health
   * @param {import("./announcer.js").Announcer} page.announcer
   */
  constructor({ events, health, announcer }) {
    this.#events = events;
    this.#health = health;
    this.#announcer = announcer;
    this.#before = health.state;
    this.#place.replaceChildren(this.#note.element);
    events.on("lost", () => this.#set(true));
    events.on("mended", () => this.#set(false));
    health.addEventListener("change", () => this.#hear());
  }

  /** @param {boolean} lost */
  #set(lost) {
    this.#lost = lost;
    this.#answered = false;
    if (!lost) this.#announcer.polite("Connected again.");
    this.#render();
    void this.#check();
  }

  /** Asks how the server is, which may not have been asked for a while. */
  async #check() {
    await this.#health.check();
    this.#answered = true;
    this.#render();
  }

  /** A server that is back after it was away has not refused anything yet. */
  #hear() {
    const { state } = this.#health;
    if (this.#lost && this.#events.refused && state === "ready" && this.#before !== "ready") this.#events.tryNow();
    this.#before = state;
    this.#render();
  }

  #render() {
    this.#place.hidden = !this.#lost;
    if (!this.#lost) {
      this.#said = "";
      return this.#note.hide();
    }
    const { heading, text } = this.#words;
    this.#note.show({ kind: "bad", heading, text, action: this.#action });
    if (heading !== this.#said) this.#announcer.assertive(`${heading} ${text}`);
    this.#said = heading;
  }

  get #words() {
    const { state } = this.#health;
    if (state === "signedOut") return SIGNED_OUT;
    return this.#answered && this.#events.refused && (state === "ready" || state === "busy") ? REFUSED : LOST;
  }

  get #action() {
    if (this.#health.state === "signedOut") return { label: ACTIONS.signIn.label, onclick: () => location.reload() };
    return { label: ACTIONS.now.label, onclick: () => this.#tryNow() };
  }

  #tryNow() {
    this.#events.tryNow();
    void this.#check();
  }
}
