// @ts-check
/** Builds elements. Data only ever becomes text or an attribute, never markup. */

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element. `on...` attributes that hold a function become listeners; true is an empty attribute, false and null none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An SVG element; attributes as in `h`.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * An icon of the sprite; decoration, so the word stands beside it or in the label.
 * @param {string} name
 * @param {string} [variant]  "s" for small, "fill" for solid
 */
export function icon(name, variant = "") {
  return svg("svg", { class: `i ${variant}`.trim(), "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

/**
 * The element with this id; the page is broken without it, so its absence is an error.
 * @param {string} id
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/**
 * A button whose work is under way: it does nothing, and unlike a disabled one it keeps the focus.
 * @param {HTMLElement} button
 * @param {boolean} busy
 */
export function setBusy(button, busy) {
  if (busy) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

/** @param {HTMLElement} button */
export const isBusy = (button) => button.getAttribute("aria-disabled") === "true";

/**
 * Sets a custom property; the content security policy allows no style attributes.
 * @param {HTMLElement | SVGElement} element
 * @param {string} name
 * @param {string} value
 */
export function setVar(element, name, value) {
  element.style.setProperty(name, value);
  return element;
}
