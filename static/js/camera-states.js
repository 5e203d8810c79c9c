// @ts-check
/** What is said of cameras: each state with its sign, its sentence and its next step. Times in the viewer's zone. */

import { WORDS } from "./alert-words.js";
import { capital, countOf, minuteOfDay, ms, percent, roughly } from "./format.js";
import { ACTIONS } from "./states.js";

/** @typedef {import("./types.js").Camera} Camera */
/** @typedef {import("./states.js").State} State */

/** @type {typeof ACTIONS} */
export const CAMERA_ACTIONS = {
  add: { label: "Add camera", icon: "plus", needs: "admin" },
  load: ACTIONS.now,
  signIn: ACTIONS.signIn,
  tryNow: { label: "Try now", needs: "admin" },
  reconnect: { label: "Reconnect", needs: "admin" },
  editAddress: { label: "Edit address", needs: "admin" },
  editSignIn: { label: "Edit sign-in", needs: "admin" },
  switchOn: { label: "Switch on now", needs: "admin" },
  again: ACTIONS.again,
  back: { label: "All cameras" },
};

/** @type {State} */
const SIGNED_OUT = {
  icon: "lock",
  heading: "Please sign in again",
  body: "Your sign-in has run out.",
  actions: ["signIn"],
  primary: true,
};
const OFF = { icon: "block", heading: "{name}", body: "{until}", actions: ["switchOn"] };

/** What stands in the place of a camera's picture. @type {Record<string, State>} */
export const CAMERA_STATES = {
  connecting: { icon: "plug", heading: "{name}", body: "Opening {host}", actions: [], chip: { sign: "busy", word: "Connecting" } },
  unauthorised: {
    icon: "lock",
    heading: "{name} refused the sign-in",
    body: "Check user and password.",
    actions: ["editSignIn", "tryNow"],
  },
  unreachable: { icon: "plug", heading: "{name} does not answer", body: "{reason} {next}", actions: ["tryNow", "editAddress"] },
  stalled: { icon: "warn", heading: "No new picture", body: "{reason}", actions: ["reconnect"] },
  off: OFF,
  ended: { icon: "plug", heading: "The video stopped", body: "It comes back by itself.", actions: ["again"] },
  failed: { icon: "server", heading: "The video did not open", body: "{detail}", actions: ["again"] },
  signedOut: SIGNED_OUT,
  gone: { icon: "block", heading: "This camera is not here any more", body: "It was deleted.", actions: ["back"] },
};

/** What stands in the place of all cameras. @type {Record<string, State>} */
export const CAMERAS_STATES = {
  loading: { icon: "cameras", heading: "Opening", body: "", actions: ["load"], progress: true },
  none: {
    icon: "cameras",
    heading: "Watch a camera around the clock",
    body: "Add one by its address, for example rtsp://10.0.4.17/stream1. Alerts then come here and to your channels.",
    actions: ["add"],
    primary: true,
  },
  unreachable: {
    icon: "server",
    heading: "The server does not answer",
    body: "Check that it is running and that this device is online. The cameras come by themselves then.",
    actions: ["load"],
    primary: true,
  },
  signedOut: SIGNED_OUT,
};

const SIGNS = { connecting: "busy", live: "ok", stalled: "warn", unauthorised: "bad", unreachable: "bad", off: "off" };
const NAMES = {
  connecting: "Connecting",
  live: "Live",
  stalled: "Stalled",
  unauthorised: "Sign-in refused",
  unreachable: "Unreachable",
  off: "Switched off",
};
const COUNTED = { ...NAMES, unauthorised: "with refused sign-in", off: "off" };
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_MS = 86_400_000;

/** Whether somebody has to look after a camera. @param {Camera} camera */
export const inTrouble = ({ state }) => state === "stalled" || state === "unauthorised" || state === "unreachable";

/**
 * The sign of a camera's state and its word.
 * @param {Camera} camera
 * @param {number} now  milliseconds
 */
export function chipOf(camera, now) {
  const { state, since, off_until } = camera;
  let word = NAMES[state];
  if (state === "stalled") word = `Stalled ${seconds(now - Date.parse(since))} s`;
  if (state === "off" && off_until) word = `Off until ${soon(new Date(off_until), now)}`;
  return { sign: SIGNS[state], word };
}

/**
 * What is said in place of a state that nothing confirms any more.
 * @param {number} silentS  seconds
 */
export const noNews = (silentS) => ({ sign: "warn", word: `No news for ${roughly(silentS)}` });

/**
 * What fills the sentences of CAMERA_STATES.
 * @param {Camera} camera
 * @param {number} now  milliseconds
 */
export function valuesOf(camera, now) {
  const { name, url, reason, next_try_at, state } = camera;
  const next = next_try_at ? `Next try in ${seconds(Date.parse(next_try_at) - now)} s.` : "Trying again.";
  return { name, host: hostOf(url), reason: reason ?? "", next, until: state === "off" ? `${chipOf(camera, now).word}.` : "" };
}

/**
 * The left of a tile's foot.
 * @param {Camera} camera
 */
export function freshness({ state, age_ms, fps }) {
  if (state === "stalled") return "No new picture";
  if (state !== "live" || age_ms === null) return "";
  return `${ms(age_ms)}${fps === null ? "" : ` · ${Math.round(fps)}/s`}`;
}

/**
 * The last event of a camera.
 * @param {Camera} camera
 * @param {number} now  milliseconds
 */
export function lastEvent({ state, since, last_alert, snoozed_until }, now) {
  if (snoozed_until && Date.parse(snoozed_until) > now) return `Alerts snoozed until ${soon(new Date(snoozed_until), now)}`;
  if (state === "unauthorised" || state === "unreachable") return `since ${dayAndTime(new Date(since), now)}`;
  if (!last_alert) return "Nothing today";
  const at = dayAndTime(new Date(last_alert.opened_at), now);
  const decided = last_alert.state === "confirmed" || last_alert.state === "dismissed";
  return decided ? `${WORDS[last_alert.state]} ${at}` : `${capital(last_alert.label)} ${percent(last_alert.confidence)}, ${at}`;
}

/**
 * "6 cameras · 4 live, 1 stalled, 1 unreachable".
 * @param {Camera[]} cameras
 * @param {number} silentS  seconds for which nothing was heard of them
 */
export function countLine(cameras, silentS) {
  if (silentS) return `${countOf(cameras.length, "camera")} · ${noNews(silentS).word.toLowerCase()}`;
  const states = /** @type {(keyof typeof COUNTED)[]} */ (Object.keys(COUNTED)).sort((a, b) => +(b === "live") - +(a === "live"));
  const counts = states
    .map((state) => [cameras.filter((camera) => camera.state === state).length, COUNTED[state].toLowerCase()])
    .filter(([count]) => count)
    .map(([count, word]) => `${count} ${word}`);
  return [countOf(cameras.length, "camera"), counts.join(", ")].filter(Boolean).join(" · ");
}

/**
 * The refusal of an address, in our words where the server's name what is allowed.
 * @param {string} detail
 */
export function addressRefusal(detail) {
  const allowed = detail.match(/(?:may be in: |allowed are )(.+?) \(cameras\./)?.[1];
  return `This address is not allowed here. ${allowed ? `Allowed: ${allowed}.` : `${capital(detail)}.`}`;
}

/**
 * The machine of an address, or the last part of a path.
 * @param {string} address
 */
function hostOf(address) {
  const [, host = ""] = address.match(/^[a-z]+:\/\/([^/?#]+)/i) ?? [];
  return host || address.split("/").pop() || address;
}

/** @param {number} milliseconds */
const seconds = (milliseconds) => Math.max(0, Math.round(milliseconds / 1000));

/**
 * A moment that comes: "18:00", "Mon 06:00".
 * @param {Date} date
 * @param {number} now  milliseconds
 */
export function soon(date, now) {
  const far = date.getTime() - now > 20 * 3600_000;
  return far ? `${WEEKDAY.format(date)} ${minuteOfDay(date)}` : minuteOfDay(date);
}

/**
 * A moment that was: "13:41", "yesterday 17:40", "21 Nov".
 * @param {Date} date
 * @param {number} now  milliseconds
 */
function dayAndTime(date, now) {
  if (date.toDateString() === new Date(now).toDateString()) return minuteOfDay(date);
  if (date.toDateString() === new Date(now - DAY_MS).toDateString()) return `yesterday ${minuteOfDay(date)}`;
  return DATE.format(date);
}
