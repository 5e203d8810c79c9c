// @ts-check
/** Where boxes and their labels go and in which colour; the same rules as the server draws by. */

import { percent } from "./format.js";

/** @typedef {import("./types.js").Result} Result */
/** @typedef {{x: number, y: number, w: number, h: number}} Rect */
/** @typedef {{result: Result, box: Rect, tag: Rect, text: string, colour: string, dashed: boolean}} Placed */

/** By class index modulo 6: the smallest distance of any pair stays large for colour-blind eyes too. */
const COLOURS = ["#FF6B35", "#9B83FC", "#51FB95", "#F9F91F", "#28A0BD", "#C0F2F2"];

/** @param {number} classId */
export const colourOf = (classId) => COLOURS[classId % COLOURS.length];

/** @param {number} classId */
const isDashed = (classId) => classId >= COLOURS.length;

const TAG_TO_TEXT = 26 / 15;

/**
 * Places boxes in a picture that is shown `width` x `height`; the most confident label stays, others make room.
 * @param {Result[]} results  boxes in source pixels
 * @param {{width: number, height: number, scale: number, fontPx: number, measure: (text: string) => number}} picture
 * @returns {Placed[]}
 */
export function place(results, { width, height, scale, fontPx, measure }) {
  const tagHeight = fontPx * TAG_TO_TEXT;
  /** @type {Rect[]} */
  const taken = [];
  return [...results]
    .sort((a, b) => b.confidence - a.confidence)
    .map((result) => {
      const { x1, y1, x2, y2 } = result.box;
      const box = { x: x1 * scale, y: y1 * scale, w: (x2 - x1) * scale, h: (y2 - y1) * scale };
      const text = `${result.name} ${percent(result.confidence)}${result.track_id == null ? "" : ` #${result.track_id}`}`;
      const w = Math.min(width, measure(text) + fontPx);
      const x = Math.max(0, Math.min(box.x - 1, width - w));
      const above = { x, y: box.y >= tagHeight + 1 ? box.y - 1 - tagHeight : Math.max(0, box.y + 1), w, h: tagHeight };
      const below = { ...above, y: Math.min(box.y + box.h + 1, height - tagHeight) };
      const tag = taken.some((other) => overlaps(other, above)) ? below : above;
      taken.push(tag);
      return { result, box, tag, text, colour: colourOf(result.class), dashed: isDashed(result.class) };
    });
}

/**
 * @param {Rect} a
 * @param {Rect} b
 */
const overlaps = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
