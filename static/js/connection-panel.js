// @ts-check
import { checkConnection } from "./connection-check.js";
import { h, isBusy, setBusy } from "./dom.js";

const CONCLUSIONS = {
  ok: "Nothing stands in the way of live video.",
  warn: "Live video works, with something to know.",
  bad: "Something stands in the way of live video.",
};
const RANK = ["ok", "warn", "bad"];

/** A button that checks the connection, and what was found below it. */
export class ConnectionPanel {
  #button = h("button", { class: "btn wide", type: "button", onclick: () => void this.#check() }, "Check connection");
  #list = h("ul", { class: "findings" });
  #conclusion = h("p", { role: "status" });
  element = h("div", { class: "findings" }, this.#button, this.#list, this.#conclusion);
  #ended = new AbortController();

  /** Ends a check that is under way. */
  close() {
    this.#ended.abort();
  }

  async #check() {
    if (isBusy(this.#button)) return;
    setBusy(this.#button, true);
    this.#list.replaceChildren();
    this.#conclusion.textContent = "Checking, this takes a few seconds.";
    /** @type {"ok" | "warn" | "bad"} */
    let worst = "ok";
    for await (const finding of checkConnection(this.#ended.signal)) {
      this.#list.append(row(finding));
      if (RANK.indexOf(finding.sign) > RANK.indexOf(worst)) worst = finding.sign;
    }
    this.#conclusion.textContent = CONCLUSIONS[worst];
    setBusy(this.#button, false);
    this.#button.textContent = "Check again";
  }
}

/** @param {import("./connection-check.js").Finding} finding */
function row({ name, sign, text, advice }) {
  return h("li", { "data-sign": sign }, h("b", { class: `st ${sign}` }, name), h("p", {}, text, advice && ` ${advice}`));
}
