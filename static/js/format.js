// @ts-check
/** Numbers as words of the page: "91 %", "3.4 s", "1 min 12 s", "284 KB", "14:02:07". */

/** @param {number} fraction */
export const percent = (fraction) => `${Math.round(fraction * 100)} %`;

/** @param {number} count */
export const thousands = (count) => Math.round(count).toLocaleString("en-GB");

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
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
  return `${unit > 1 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
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
