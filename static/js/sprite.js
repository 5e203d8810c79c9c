// @ts-check
import { getSprite } from "./api.js";
import { svg } from "./dom.js";

/** Takes the icons into the page once: an icon that is fetched when it is needed is missing just when the server is gone. */
export async function loadSprite() {
  const source = new DOMParser().parseFromString(await getSprite(), "image/svg+xml");
  const symbols = [...source.querySelectorAll("symbol")].map((symbol) => document.importNode(symbol, true));
  document.body.append(svg("svg", { hidden: true, "aria-hidden": "true" }, ...symbols));
}
