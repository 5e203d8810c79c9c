// @ts-check
import { copyOn } from "./clipboard.js";
import { h, icon } from "./dom.js";

/** @typedef {import("./health.js").Health} Health */

const SIGNS = { ready: "ok", loading: "busy", busy: "warn", draining: "warn", signedOut: "warn", unreachable: "bad" };
const WORDS = {
  ready: "Ready",
  loading: "Loading model",
  busy: "Busy",
  draining: "Draining",
  signedOut: "Signed out",
  unreachable: "Not reachable",
};

/** The button in the bar that says how the server is, and its popover with the details. */
export class ServerButton {
  #health;
  #button;
  #sign = h("span", { class: "st" });
  #name = h("span", { class: "name sub" });
  #facts = h("dl", { class: "facts" });
  #pop;

  /**
   * @param {HTMLElement} button
   * @param {Health} health
   */
  constructor(button, health) {
    this.#health = health;
    this.#button = button;
    const copy = h(
      "button",
      { class: "btn wide", type: "button", onclick: () => void copyOn(copy, this.#details()) },
      icon("copy"),
      h("span", { class: "word" }, "Copy details"),
    );
    this.#pop = h(
      "div",
      { class: "pop", id: "server-pop", popover: "auto", role: "dialog", "aria-label": "Server" },
      this.#facts,
      copy,
    );
    this.#pop.addEventListener(
      "beforetoggle",
      (event) => /** @type {ToggleEvent} */ (event).newState === "open" && void health.check(),
    );
    button.setAttribute("popovertarget", this.#pop.id);
    button.replaceChildren(this.#sign, this.#name, icon("down", "s"));
    button.after(this.#pop);
    health.addEventListener("change", () => this.#render());
    this.#render();
  }

  #word() {
    const { state, info } = this.#health;
    return state === "busy" && info ? `Busy, ${info.active} of ${info.capacity}` : WORDS[state];
  }

  #render() {
    const { state, info } = this.#health;
    const word = this.#word();
    this.#sign.className = `st ${SIGNS[state]}`;
    this.#sign.textContent = word;
    this.#name.textContent = info?.model.name ?? "";
    this.#button.setAttribute("aria-label", `Server ${word.toLowerCase()}${info ? `, model ${info.model.name}` : ""}`);
    this.#facts.replaceChildren(...this.#rows().flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  /** @returns {[string, string][]} */
  #rows() {
    const { info } = this.#health;
    if (!info) return [["State", this.#word()]];
    const { name, classes, imgsz } = info.model;
    const shown = classes.length > 6 ? `${classes.length}: ${classes.slice(0, 5).join(", ")}, …` : classes.join(", ");
    return [
      ["State", this.#word()],
      ["Model", name],
      ["Classes", shown],
      ["Input size", `${imgsz} px`],
      ["Version", info.version],
      ["Live sessions", `${info.active} of ${info.capacity}`],
    ];
  }

  #details() {
    return this.#rows()
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n");
  }
}
