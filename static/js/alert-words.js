// @ts-check
/** What is said of alerts, verdicts and deliveries; times in the viewer's zone. */

import { capital, playTime, roughly, timeOfDay } from "./format.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./types.js").Delivery} Delivery */
/** @typedef {import("./types.js").AlertState} AlertState */

/** The shape that stands before a state. @type {Record<AlertState, string>} */
export const SIGNS = { candidate: "mark", confirmed: "bad", dismissed: "off", expired: "exp" };

/** @type {Record<AlertState, string>} */
export const WORDS = { candidate: "Waiting", confirmed: "Confirmed", dismissed: "Dismissed", expired: "Expired" };

/** What a dismissed thing was. */
export const REASONS = ["Toy", "Tool", "Phone", "Umbrella", "Shadow", "Other"];

const LAST_S = 300; // before an alert expires, in which that is said
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });

/** @param {Date} date */
export const dayOf = (date) => LONG_DAY.format(date);

/** When an alert opened. @param {Alert} alert */
export const opened = (alert) => timeOfDay(new Date(alert.opened_at));

/** @param {Alert} alert */
export const possible = (alert) => `possible ${alert.label}`;

/**
 * How long an alert waits, or how long it may still.
 * @param {Alert} alert
 * @param {number} now  milliseconds
 */
function waits(alert, now) {
  const left = (Date.parse(alert.expires_at) - now) / 1000;
  if (left <= LAST_S) return { expires: true, time: playTime(left) };
  return { expires: false, time: playTime((now - Date.parse(alert.opened_at)) / 1000) };
}

/**
 * "Waiting 0:38", "Expires in 4:10", "Confirmed".
 * @param {Alert} alert
 * @param {number} now  milliseconds
 */
export function stateWord(alert, now) {
  if (alert.state !== "candidate") return WORDS[alert.state];
  const { expires, time } = waits(alert, now);
  return `${expires ? "Expires in" : "Waiting"} ${time}`;
}

/**
 * The same where there is little room; the sign before it says that it waits.
 * @param {Alert} alert
 * @param {number} now  milliseconds
 */
export function shortWord(alert, now) {
  if (alert.state !== "candidate") return WORDS[alert.state];
  const { expires, time } = waits(alert, now);
  return expires ? `Expires ${time}` : time;
}

/** "Confirmed by Ana, 14:03:10". @param {Alert} alert */
export function verdict(alert) {
  if (alert.state === "expired") return "Expired, nobody answered.";
  if (!alert.decided_at) return WORDS[alert.state];
  const reason = alert.state === "dismissed" && alert.reason ? `, “${alert.reason.toLowerCase()}”` : "";
  return `${WORDS[alert.state]} by ${alert.decided_by ?? "somebody"}, ${moment(alert.decided_at, alert.opened_at)}${reason}`;
}

/**
 * A time, with its day where that is not the one it is seen beside.
 * @param {string} at
 * @param {string} beside
 */
function moment(at, beside) {
  const [date, other] = [new Date(at), new Date(beside)];
  const day = date.toDateString() === other.toDateString() ? "" : `${DAY.format(date)}, `;
  return `${day}${timeOfDay(date)}`;
}

/**
 * That somebody else was faster, from the problem of the server: "Ben dismissed this 4 s ago. Your answer was not sent."
 * @param {Record<string, unknown>} problem
 * @param {number} now  milliseconds
 */
export function taken({ state, decided_by, decided_at }, now) {
  const by = decided_by ? capital(String(decided_by)) : "Somebody";
  const at = Date.parse(String(decided_at));
  const ago = Number.isFinite(at) ? ` ${roughly((now - at) / 1000)} ago` : "";
  return `${by} ${state === "dismissed" ? "dismissed" : "confirmed"} this${ago}. Your answer was not sent.`;
}

/** @type {Record<string, string>} */
const CHANNELS = { mqtt: "MQTT", email: "E-mail", webhook: "Webhook" };

/** @param {string} name */
export const channelName = (name) => CHANNELS[name] ?? name;

/** @type {Record<string, string>} */
const SENT = { confirmed: "Confirmation sent", dismissed: "Dismissal sent", expired: "Expiry told" };

/**
 * @param {string} event
 * @param {number} count
 */
export const sentTo = (event, count) => `${SENT[event] ?? "Sent"} to ${count} ${count === 1 ? "channel" : "channels"}`;

/**
 * How far a message is: a sign and what stands beside its channel.
 * @param {Delivery} delivery
 * @param {number} now  milliseconds
 * @returns {{sign: string, text: string}}
 */
export function deliveryWords({ state, unsure, attempts, next_try_at, after_s, error }, now) {
  if (state === "sent") {
    const after = after_s === null ? "sent" : after_s < 60 ? `${after_s.toFixed(1)} s` : roughly(after_s);
    return { sign: "ok", text: unsure ? `${after}, may have arrived twice` : after };
  }
  if (state === "failed") return { sign: "bad", text: `${error ?? "Not sent"}${unsure ? " (may have arrived)" : ""}` };
  if (state === "sending" || !attempts) return { sign: "busy", text: state === "sending" ? "sending" : "waiting to be sent" };
  const left = Math.max(0, (Date.parse(next_try_at ?? "") - now) / 1000) || 0;
  const again = `${ordinal(attempts + 1)} try ${left < 1 ? "now" : `in ${roughly(left)}`}`;
  return { sign: "warn", text: unsure ? `${again}, may have arrived` : again };
}

/** @param {number} number */
function ordinal(number) {
  const ending = number % 100 > 10 && number % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}
