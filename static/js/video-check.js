// @ts-check
/** What is wrong with a video is found here before it is sent, where the browser can tell. */

import { h } from "./dom.js";
import { bytes, roughly } from "./format.js";
import { kindOf } from "./media-kind.js";

/** @typedef {import("./types.js").VideoLimits} VideoLimits */

const PROBE_MS = 3000; // a file that the browser cannot read may also just stay silent

/** @param {string} name */
export const notVideo = (name) => `${name} is not a video. MP4, MOV, MKV, WebM, AVI and most others work.`;

/** @param {number} size */
export const noRoom = (size) => `The server has no room for ${bytes(size)}. Delete old files, then add it again.`;

/**
 * @param {string} name
 * @param {{size: number, limit: number}} bytesOf
 */
export const tooLarge = (name, { size, limit }) =>
  `${name} is ${bytes(size)}, the limit is ${bytes(limit)}. Cut it or lower its quality, then add it again.`;

/**
 * The sentence that says why a file is not sent; null for one that may be.
 * @param {File} file
 * @param {VideoLimits} limits
 */
export async function refusalOf(file, limits) {
  if (["picture", "other"].includes(kindOf(file))) return notVideo(file.name);
  if (!file.size) return `${file.name} is empty. Export it again and add the new file.`;
  if (file.size > limits.max_bytes) return tooLarge(file.name, { size: file.size, limit: limits.max_bytes });
  const facts = await probe(file);
  if (!facts) return null; // not for this browser; the server looks itself
  if (facts.duration_s > limits.max_duration_s)
    return `${file.name} is ${roughly(facts.duration_s)} long, the limit is ${roughly(limits.max_duration_s)}. Cut it, then add it again.`;
  if (facts.width * facts.height > limits.max_pixels)
    return (
      `${file.name} has ${facts.width}×${facts.height} pixels, the limit is ${millions(limits.max_pixels)} in all. ` +
      "Lower its resolution, then add it again."
    );
  return null;
}

/** @param {number} count */
const millions = (count) => `${Math.round(count / 1e5) / 10} million`;

/**
 * Length and size of the picture, null where this browser cannot read the file.
 * @param {File} file
 * @returns {Promise<{duration_s: number, width: number, height: number} | null>}
 */
async function probe(file) {
  const video = h("video", { muted: true, preload: "metadata" });
  const address = URL.createObjectURL(file);
  try {
    const read = new Promise((resolve) => {
      video.addEventListener("loadedmetadata", () => resolve(true), { once: true });
      video.addEventListener("error", () => resolve(false), { once: true });
      setTimeout(resolve, PROBE_MS, false);
    });
    video.src = address;
    if (!(await read)) return null;
    const { duration, videoWidth: width, videoHeight: height } = video;
    return { duration_s: Number.isFinite(duration) ? duration : 0, width, height };
  } finally {
    video.removeAttribute("src");
    URL.revokeObjectURL(address);
  }
}
