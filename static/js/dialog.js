// @ts-check
import { h, icon } from "./dom.js";

/**
 * Opens a modal dialog; Escape, its button and a click beside it close it, and the focus goes back to where it was.
 * @param {string} title
 * @param {...(Node | string)} content
 */
export function openDialog(title, ...content) {
  const dialog = openForm(title, ...content);
  let pressed = false;
  // a selection of text may end beside the dialog: that is a click there only if it began there, too
  dialog.addEventListener("pointerdown", ({ target }) => (pressed = target === dialog));
  dialog.addEventListener("click", ({ target }) => pressed && target === dialog && dialog.close());
  return dialog;
}

/**
 * The same for what a person fills in: a click beside it does not throw that away.
 * @param {string} title
 * @param {...(Node | string)} content
 */
export function openForm(title, ...content) {
  const id = `dialog-${Math.random().toString(36).slice(2)}`;
  const close = h(
    "button",
    { class: "btn ghost icon small", type: "button", "aria-label": "Close", onclick: () => dialog.close() },
    icon("x"),
  );
  const head = h("div", { class: "card-head" }, h("h2", { id }, title), h("div", { class: "end" }, close));
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": id }, head, h("div", { class: "body" }, ...content));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
