// @ts-check
/** Paints boxes and their labels on a canvas, as the server does on its pictures. */

/** @typedef {import("./boxes.js").Placed} Placed */

const FONT = '620 {px}px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/**
 * Measures labels of one size.
 * @param {number} fontPx
 */
export function measurer(fontPx) {
  const context = document.createElement("canvas").getContext("2d");
  if (context) context.font = FONT.replace("{px}", String(fontPx));
  return (/** @type {string} */ text) => context?.measureText(text).width ?? text.length * fontPx * 0.6;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Placed} placed
 * @param {{fontPx: number, edge: number}} size
 */
export function paint(context, { box, tag, text, colour, dashed }, { fontPx, edge }) {
  context.strokeStyle = "rgb(11 13 16 / .75)";
  context.lineWidth = edge + 2.5;
  context.strokeRect(box.x, box.y, box.w, box.h);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = edge;
  context.setLineDash(dashed ? [8, 4] : []);
  context.strokeRect(box.x, box.y, box.w, box.h);
  context.setLineDash([]);
  context.fillRect(tag.x, tag.y, tag.w, tag.h);
  context.fillStyle = "#0B0D10";
  context.font = FONT.replace("{px}", String(fontPx));
  context.fillText(text, tag.x + fontPx / 2, tag.y + tag.h / 2 + fontPx * 0.35);
}
