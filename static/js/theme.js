// @ts-check
import { h, icon } from "./dom.js";
import { keep } from "./kept.js";

const KEY = "sightline.theme";
const THEMES = [
  ["system", "System", "system"],
  ["light", "Light", "sun"],
  ["dark", "Dark", "moon"],
];

/** The theme button and its menu; the choice outlives the page. */
export class ThemeMenu {
  /** @param {HTMLElement} button */
  constructor(button) {
    const current = document.documentElement.dataset.theme ?? "system";
    const options = THEMES.map(([value, label, name]) =>
      h(
        "label",
        {},
        h("input", { type: "radio", name: "theme", value, checked: value === current, onchange: () => choose(value) }),
        icon(name),
        label,
        icon("check"),
      ),
    );
    const menu = h(
      "div",
      { class: "pop menu", id: "theme-menu", popover: "auto" },
      h("fieldset", {}, h("legend", { class: "vh" }, "Theme"), ...options),
    );
    button.setAttribute("popovertarget", menu.id);
    button.after(menu);
    menu.addEventListener("toggle", () => {
      if (menu.matches(":popover-open")) /** @type {HTMLElement | null} */ (menu.querySelector(":checked"))?.focus();
    });
  }
}

/** @param {string} theme */
function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  keep(KEY, theme);
}
