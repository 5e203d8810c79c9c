// @ts-check
import { h, icon } from "./dom.js";

/** One line that says what happened and what to do; empty and hidden until it has something to say. */
export class Note {
  element = h("div", { class: "note", hidden: true });

  /**
   * @param {object} content
   * @param {"warn" | "bad" | "plain" | "mark"} content.kind
   * @param {string} content.text
   * @param {string} [content.heading]
   * @param {{label: string, onclick: () => void}} [content.action]
   */
  show({ kind, text, heading, action }) {
    if (!this.element.hidden && this.element.dataset.text === text) return;
    this.element.dataset.text = text;
    this.element.className = `note ${kind}`;
    this.element.replaceChildren(
      kind === "plain" ? "" : kind === "mark" ? icon("alerts") : icon("warn"),
      h("p", {}, heading && h("b", {}, heading), heading && " ", h("span", { class: "sub" }, text)),
      h(
        "div",
        { class: "end" },
        action && h("button", { class: "btn small", type: "button", onclick: action.onclick }, action.label),
      ),
    );
    this.element.hidden = false;
  }

  hide() {
    this.element.hidden = true;
  }
}
