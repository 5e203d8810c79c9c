// @ts-check
import { h, icon } from "./dom.js";
import { ACTIONS, fillIn } from "./states.js";

/** @typedef {import("./states.js").State} State */

/** The stage: a picture with its chip and tools, or exactly one state in words with its next step. */
export class Stage {
  #states;
  #labels;
  #onaction;
  /** @type {string | null} */
  #shown = null;
  #chip = h("span", { class: "chip st", hidden: true });
  #tools = h("div", { class: "push", hidden: true });
  #ring = h("div", { class: "ring" });
  #heading = h("h2");
  #body = h("p");
  #bar = h("i");
  #meter = h("div", { class: "meter", hidden: true }, this.#bar);
  #actions = h("div", { class: "acts" });
  #empty = h("div", { class: "empty", hidden: true }, this.#ring, this.#heading, this.#body, this.#meter, this.#actions);

  /**
   * @param {object} options
   * @param {Record<string, State>} options.states
   * @param {Element[]} options.media  what lies in the picture
   * @param {HTMLElement[]} options.tools
   * @param {(action: string, button: HTMLElement) => void} options.onaction
   * @param {typeof ACTIONS} [options.labels]  of the states' actions
   */
  constructor({ states, media, tools, onaction, labels = ACTIONS }) {
    this.#states = states;
    this.#labels = labels;
    this.#onaction = onaction;
    this.#tools.append(...tools);
    const top = h("div", { class: "screen-top" }, this.#chip, this.#tools);
    this.element = h("div", { class: "screen bleed on-picture" }, ...media, this.#empty, top);
  }

  /** The state in words that is shown, null while the picture itself is. */
  get shown() {
    return this.#shown;
  }

  /**
   * Shows one state; shown again it only renews its text, so that a countdown never takes the focus away.
   * @param {string} name
   * @param {Record<string, unknown>} [values]  `share` is how far its bar is, 0..1; without it the bar only moves
   */
  show(name, values = {}) {
    const state = this.#states[name];
    if (!state) throw new Error(`The stage has no state ${name}.`);
    this.#heading.textContent = fillIn(state.heading, values);
    this.#body.textContent = fillIn(state.body, values);
    this.#body.hidden = !this.#body.textContent;
    this.#meter.classList.toggle("exact", typeof values.share === "number");
    if (typeof values.share === "number") this.#bar.style.setProperty("--v", `${values.share * 100}%`);
    if (this.#shown !== name) this.#enter(name, state);
  }

  /**
   * @param {string} name
   * @param {State} state
   */
  #enter(name, state) {
    const hadFocus = this.#actions.contains(document.activeElement);
    this.#shown = name;
    this.element.dataset.state = name;
    this.#ring.replaceChildren(icon(state.icon));
    this.#meter.hidden = !state.progress;
    this.#actions.replaceChildren(
      ...state.actions.map((action, at) => this.#button(action, Boolean(state.primary) && at === 0)),
    );
    this.#empty.classList.toggle("over", Boolean(state.over));
    this.#empty.hidden = false;
    this.#tools.hidden = true;
    this.setChip(state.chip ?? null);
    if (hadFocus) /** @type {HTMLElement | null} */ (this.#actions.firstElementChild)?.focus();
  }

  /**
   * @param {string} action
   * @param {boolean} primary
   */
  #button(action, primary) {
    const { label, icon: name, needs } = this.#labels[action];
    const attributes = {
      class: primary ? "btn primary" : "btn",
      type: "button",
      onclick: () => this.#onaction(action, button),
      "data-action": action,
      "data-needs": needs,
    };
    /** @type {HTMLButtonElement} */
    const button = h("button", attributes, name && icon(name), h("span", { class: "word" }, label));
    return button;
  }

  /**
   * Shows the picture itself.
   * @param {{sign: string, word: string} | null} chip
   */
  showPicture(chip) {
    const hadFocus = this.#actions.contains(document.activeElement);
    this.#shown = null;
    this.element.dataset.state = "picture";
    this.#empty.hidden = true;
    this.#tools.hidden = false;
    this.setChip(chip);
    if (hadFocus) /** @type {HTMLElement | null} */ (this.#tools.firstElementChild)?.focus();
  }

  /** For a picture that has tools of its own. */
  hideTools() {
    this.#tools.hidden = true;
  }

  /** @param {{sign: string, word: string} | null} chip */
  setChip(chip) {
    this.#chip.hidden = !chip;
    if (!chip) return;
    this.#chip.className = `chip st ${chip.sign}`;
    if (this.#chip.textContent !== chip.word) this.#chip.textContent = chip.word;
  }

  /**
   * Gives the stage the shape of its source.
   * @param {number} width
   * @param {number} height
   */
  setShape(width, height) {
    if (width > 0 && height > 0) this.element.style.setProperty("--ratio", `${width} / ${height}`);
  }

  /** Fills the screen with the stage, or gives it back. */
  async toggleFullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.element.requestFullscreen?.();
  }
}

/**
 * A round tool over the picture.
 * @param {string} name  of the icon
 * @param {{label: string, onclick: () => void, pressed?: boolean}} options
 */
export function tool(name, { label, onclick, pressed }) {
  return h(
    "button",
    {
      class: "tool",
      type: "button",
      "aria-label": label,
      title: label,
      "aria-pressed": pressed === undefined ? null : String(pressed),
      onclick,
    },
    icon(name),
  );
}
