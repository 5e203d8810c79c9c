// @ts-check
import { h } from "./dom.js";
import { keep, recall } from "./kept.js";

const KEY = "sightline.name";

/** What a person calls themselves where the server knows nobody by a key; null for nothing. */
export const ownName = () => recall(KEY)?.trim() || null;

/** A field for it, which keeps what is typed. */
export function nameField() {
  const oninput = () => keep(KEY, field.value);
  const field = h("input", { class: "input", value: ownName() ?? "", maxlength: 60, autocomplete: "name", oninput });
  return h("label", { class: "field" }, h("span", { class: "label" }, "Your name, shown with your answers"), field);
}
