// @ts-check
import { getSprite } from "./api.js";
import { svg } from "./dom.js";

/**
 * The page's policy lets text become a document here and nowhere else (`trusted-types sprite`): this one is a file of ours, of
 * which symbols alone are taken.
 */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("sprite", {
  createHTML: (/** @type {string} */ text) => text,
});

/** Takes the icons into the page once: an icon that is fetched when it is needed is missing just when the server is gone. */
export async function loadSprite() {
  const text = await getSprite();
  const source = new DOMParser().parseFromString(policy?.createHTML(text) ?? text, "image/svg+xml");
  const symbols = [...source.querySelectorAll("symbol")].map((symbol) => document.importNode(symbol, true));
  document.body.append(svg("svg", { hidden: true, "aria-hidden": "true" }, ...symbols));
}
