// @ts-check
import { copyOn } from "./clipboard.js";
import { h, icon } from "./dom.js";

/** "From a program": the same check as one line for a terminal, with this page's own address. */
export class CurlCard {
  #code = h("code");
  #withKey;

  /** @param {boolean} withKey  whether the server asks for a key */
  constructor(withKey) {
    this.#withKey = withKey;
    const copy = h(
      "button",
      { class: "btn ghost small", type: "button", onclick: () => void copyOn(copy, this.#code.textContent ?? "") },
      icon("copy", "s"),
      h("span", { class: "word" }, "Copy"),
    );
    this.element = h(
      "div",
      { class: "card" },
      h("div", { class: "card-head" }, h("h2", {}, "From a program"), h("div", { class: "end" }, copy)),
      h("pre", { class: "pad", tabindex: 0, "aria-label": "Command" }, this.#code),
    );
    this.show("picture.jpg");
  }

  /** @param {string} name  of the file */
  show(name) {
    const file = /^[\w.-]+$/.test(name) ? `file=@${name}` : `'file=@"${name.replace(/["'\\]/g, "_")}"'`;
    const key = this.#withKey ? '  -H "Authorization: Bearer $SIGHTLINE_KEY" \\\n' : "";
    this.#code.textContent = `curl -F ${file} \\\n${key}  "${location.origin}/predict?format=json"`;
  }
}
