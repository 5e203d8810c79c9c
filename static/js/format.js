// @ts-check
/** Numbers as words of the page: "91 %", "3.4 s", "1 min 12 s", "284 KB", "1:07.4", "14:02:07". */

/** @param {number} fraction */
export const percent = (fraction) => `${Math.round(fraction * 100)} %`;

/** @param {number} count */
export const thousands = (count) => Math.round(count).toLocaleString("en-GB");

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/**
 * A place in a video: "1:07", "1:07.4", "1:02:03".
 * @param {number} seconds
 * @param {{tenths?: boolean}} [options]
 */
export function playTime(seconds, { tenths = false } = {}) {
  const total = Math.floor(Math.max(0, seconds) * 10 + 1e-6) / 10;
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const rest = (total % 60).toFixed(1).padStart(4, "0");
  const shown = tenths ? rest : rest.slice(0, 2);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${shown}` : `${minutes}:${shown}`;
}

/**
 * A length in whole units, the largest two: "25 s", "1 min 12 s", "2 h".
 * @param {number} seconds
 */
export function roughly(seconds) {
  const total = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0) return "0 s";
  return parts
    .map((part, at) => (part && at >= first && at <= first + 1 ? `${part} ${["h", "min", "s"][at]}` : ""))
    .filter(Boolean)
    .join(" ");
}

/** @param {number} count */
export function bytes(count) {
  const units = ["bytes", "KB", "MB", "GB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 1 && value < 10 ? value.toFixed(1).replace(".0", "") : Math.round(value)} ${units[unit]}`;
}

/** @param {number} milliseconds */
export const ms = (milliseconds) => `${Math.round(milliseconds)} ms`;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const shortClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** @param {Date} date */
export const timeOfDay = (date) => clock.format(date);

/** @param {Date} date */
export const minuteOfDay = (date) => shortClock.format(date);

/** @param {string} word */
export const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/**
 * @param {number} count
 * @param {string} noun
 */
export const countOf = (count, noun) => `${thousands(count)} ${noun}${count === 1 ? "" : "s"}`;
