// @ts-check
import { byId, h, icon } from "./dom.js";

/** One line that says what happened and what to do; empty and hidden until it has something to say. */
export class Note {
  element = h("div", { class: "note", hidden: true });
  /** @type {string} */
  #kind = "plain";
  #said = "";
  /** @type {(() => void) | undefined} */
  #act;

  /**
   * Says the same again without renewing it, so that a focus in it stays; its action is always the newest.
   * @param {object} content
   * @param {"warn" | "bad" | "plain" | "mark"} content.kind
   * @param {string} content.text
   * @param {string} [content.heading]
   * @param {{label: string, onclick: () => void}} [content.action]
   * @param {boolean} [content.closes]  whether the person can close it
   */
  show({ kind, text, heading, action, closes = false }) {
    this.#act = action?.onclick;
    const said = JSON.stringify([kind, heading, text, action?.label, closes]);
    if (!this.element.hidden && this.#said === said) return;
    this.#said = said;
    this.#kind = kind;
    const focused = this.element.contains(document.activeElement);
    this.element.className = `note ${kind}`;
    this.element.replaceChildren(
      kind === "plain" ? "" : kind === "mark" ? icon("alerts") : icon("warn"),
      h("p", {}, heading && h("b", {}, heading), heading && " ", h("span", { class: "sub" }, text)),
      h(
        "div",
        { class: "end" },
        action && button(action.label, () => this.#act?.()),
        closes && button("Close", () => this.hide()),
      ),
    );
    this.element.hidden = false;
    if (focused) this.element.querySelector("button")?.focus();
  }

  /** @param {string} [kind]  only a note of this kind */
  hide(kind = this.#kind) {
    if (kind !== this.#kind) return;
    const focused = this.element.contains(document.activeElement);
    this.element.hidden = true;
    if (focused) byId("main").focus(); // a button that is gone leaves it nowhere
  }
}

/**
 * @param {string} label
 * @param {() => void} onclick
 */
const button = (label, onclick) => h("button", { class: "btn small", type: "button", onclick }, label);
