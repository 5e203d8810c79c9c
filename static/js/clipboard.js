// @ts-check
/** Handing things over to the person: text to the clipboard, files to keep. */

import { h } from "./dom.js";

/**
 * Copies text and says on the button that it did, or that the browser does not allow it.
 * @param {HTMLElement} button
 * @param {string} text
 */
export const copyOn = (button, text) =>
  copyText(text).then(
    () => confirmOn(button, "Copied"),
    () => confirmOn(button, "Not allowed"),
  );

/**
 * Falls back to a selected field where the page is not secure and has no clipboard.
 * @param {string} text
 */
async function copyText(text) {
  if (navigator.clipboard?.writeText) return navigator.clipboard.writeText(text);
  const field = h("textarea", { class: "vh", readonly: true });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("The browser does not allow it.");
}

/** @type {Map<Element, {before: string | null, timer: number}>} the words of buttons that say something else for a moment */
const confirming = new Map();

/**
 * Says on the button itself that it worked, then gives its words back.
 * @param {HTMLElement} button
 * @param {string} word
 */
export function confirmOn(button, word) {
  const label = button.querySelector(".word") ?? button;
  clearTimeout(confirming.get(label)?.timer);
  const before = confirming.get(label)?.before ?? label.textContent;
  label.textContent = word;
  const timer = setTimeout(() => {
    confirming.delete(label);
    label.textContent = before;
  }, 2000);
  confirming.set(label, { before, timer });
}

/**
 * Gives the browser a file to keep.
 * @param {Blob} blob
 * @param {string} name
 */
export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * A moment as part of a file name.
 * @param {Date} date
 */
export const stamp = (date) => date.toISOString().slice(0, 19).replace(/[:T]/g, "-");
