// @ts-check
/** Single-key shortcuts; they act only outside fields and can be switched off (WCAG 2.1.4). */

import { keep, recall } from "./kept.js";

const KEY = "sightline.shortcuts";

/** @typedef {Record<string, {label: string, run: (event: KeyboardEvent) => void, name?: string}>} Keys  by lower-case key */

export class Shortcuts {
  /** @type {() => Keys} */
  #keys;
  #on = recall(KEY) !== "off";

  /** @param {() => Keys} keys  those of the place that is open */
  constructor(keys) {
    this.#keys = keys;
  }

  open() {
    addEventListener("keydown", (event) => this.#press(event));
  }

  get keys() {
    return this.#keys();
  }

  get on() {
    return this.#on;
  }

  set on(value) {
    this.#on = value;
    keep(KEY, value ? "on" : "off");
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (document.querySelector("dialog[open]")) return; // what lies behind it is not to be acted on
    if (!this.#on || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    const inField =
      event.target instanceof Element && event.target.closest("input:not([type=range]), select, textarea, [popover]");
    const pressesIt = event.key === " " && event.target instanceof Element && event.target.closest("button, a, summary");
    const key = this.#keys()[event.key.toLowerCase()];
    if (inField || pressesIt || !key) return;
    event.preventDefault();
    key.run(event);
  }
}
