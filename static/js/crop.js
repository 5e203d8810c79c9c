// @ts-check
/** Small pictures of what was detected, cut from what is on the screen. */

import { h } from "./dom.js";

/** @typedef {import("./types.js").Box} Box */

const SIZE = { width: 384, height: 288 }; // 64x48 on screen, and large enough to look at
// a thing is recognised by what is around it: much of that for a small box, a little for one that fills the picture
const MARGIN = { most: 2.2, least: 1.3 };
const ENOUGH = 0.25; // of the picture's width

/** @returns {HTMLCanvasElement} */
export const emptyCrop = () => h("canvas", { class: "crop", ...SIZE });

/**
 * Cuts the surroundings of a box out of a picture or video.
 * @param {HTMLCanvasElement} canvas
 * @param {{source: CanvasImageSource, width: number, height: number, box: Box, outline?: string}} from  box in its pixels
 */
export function drawCrop(canvas, { source, width, height, box, outline }) {
  const region = around(box, { width, height });
  const context = canvas.getContext("2d");
  if (!context) return;
  context.drawImage(source, region.x, region.y, region.w, region.h, 0, 0, canvas.width, canvas.height);
  if (!outline) return;
  const zoom = canvas.width / region.w;
  const rect = /** @type {const} */ ([
    (box.x1 - region.x) * zoom,
    (box.y1 - region.y) * zoom,
    (box.x2 - box.x1) * zoom,
    (box.y2 - box.y1) * zoom,
  ]);
  for (const [style, lineWidth] of /** @type {const} */ ([
    ["rgb(11 13 16 / .75)", 12],
    [outline, 7],
  ])) {
    context.strokeStyle = style;
    context.lineWidth = lineWidth;
    context.strokeRect(...rect);
  }
}

/**
 * @param {Box} box
 * @param {{width: number, height: number}} picture
 */
function around(box, picture) {
  const ratio = SIZE.width / SIZE.height;
  const side = Math.max(box.x2 - box.x1, ratio * (box.y2 - box.y1));
  const w = Math.min(
    picture.width,
    picture.height * ratio,
    Math.max(48, MARGIN.least * side, Math.min(MARGIN.most * side, ENOUGH * picture.width)),
  );
  const h = w / ratio;
  const x = clamp((box.x1 + box.x2 - w) / 2, picture.width - w);
  const y = clamp((box.y1 + box.y2 - h) / 2, picture.height - h);
  return { x, y, w, h };
}

/**
 * @param {number} value
 * @param {number} most
 */
const clamp = (value, most) => Math.max(0, Math.min(value, most));
