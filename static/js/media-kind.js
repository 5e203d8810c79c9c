// @ts-check
/** Whether a file is a picture or a video, by what the browser calls it and by its name. */

const VIDEO_NAMES =
  /\.(mp4|m4v|mov|qt|mkv|webm|avi|ts|mts|m2ts|mpe?g|wmv|asf|flv|f4v|3gp|3g2|ogv|vob|mxf|dav|h26[45]|26[45]|hevc|y4m)$/i;
const PICTURE_NAMES = /\.(jpe?g|png|webp|tiff?|bmp|gif|heic|avif)$/i;
// what browsers say of files that they do not know
const ANYTHING = ["", "application/octet-stream"];

/** What a file chooser offers for a video; names stand beside the type, as systems do not know all of them. */
export const VIDEO_ACCEPT = "video/*,.mkv,.avi,.mts,.m2ts,.ts,.flv,.dav,.mxf";

/**
 * "unknown" may be anything: the server looks into it.
 * @param {File} file
 * @returns {"video" | "picture" | "unknown" | "other"}
 */
export function kindOf(file) {
  // systems know other files by the names of some videos, so the name goes before the type
  if (VIDEO_NAMES.test(file.name) || file.type.startsWith("video/")) return "video";
  if (file.type.startsWith("image/") || PICTURE_NAMES.test(file.name)) return "picture";
  return ANYTHING.includes(file.type) ? "unknown" : "other";
}
