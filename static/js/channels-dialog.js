// @ts-check
import { ApiError, listChannels, testChannel } from "./api.js";
import { channelName } from "./alert-words.js";
import { openDialog } from "./dialog.js";
import { h, isBusy, setBusy } from "./dom.js";
import { timeOfDay } from "./format.js";

/** @typedef {import("./types.js").Channel} Channel */

/** @typedef {import("./notifications.js").Notifications} Notifications */

const KINDS = { webhook: "Webhook", mqtt: "MQTT", email: "E-mail" };
const BROWSER = {
  on: "Shown while this page is open, also behind other windows.",
  off: "Switched off here.",
  ask: "The browser asks you once.",
  blocked: "This browser blocks them. Click the sign in the address bar and choose Allow.",
  missing: "This browser shows none here. Open this page with https, or on the server's own machine.",
};

/**
 * Opens the list of those who are told of alerts, each with a test.
 * @param {Notifications} notifications
 */
export function openChannels(notifications) {
  const list = h("ul", { class: "channels", role: "list" }, h("li", { class: "sub" }, "Asking the server"));
  const closed = new AbortController();
  const dialog = openDialog(
    "Channels",
    h("p", {}, "Everyone who is told of an alert is told of its verdict too."),
    list,
    h("h3", {}, "This browser"),
    browserRow(notifications, closed.signal),
    h(
      "p",
      { class: "small" },
      "Webhooks, MQTT and e-mail are set in the settings of the server: alerts.webhooks, mqtt and email.",
    ),
  );
  dialog.addEventListener("close", () => closed.abort());
  void fill(list);
}

/** @param {HTMLElement} list */
async function fill(list) {
  try {
    const { channels } = await listChannels();
    list.replaceChildren(
      ...(channels.length ? channels.map(row) : [h("li", { class: "sub" }, "No channel is set up on the server.")]),
    );
  } catch (error) {
    list.replaceChildren(h("li", { class: "sub" }, error instanceof ApiError ? error.message : "The server does not answer."));
  }
}

/** @param {Channel} channel */
function row({ name, kind, target, last_sent_at, last_error }) {
  const sign = last_error ? "bad" : last_sent_at ? "ok" : "off";
  const state = h("span", { class: `st ${sign}` }, channelName(name));
  const last = last_error ?? (last_sent_at ? `last sent ${timeOfDay(new Date(last_sent_at))}` : "nothing sent yet");
  const result = h("p", { class: "result", role: "status" });
  const test = async () => {
    if (isBusy(button)) return;
    setBusy(button, true);
    say(result, "busy", "Sending a test");
    try {
      const { after_s } = await testChannel(name);
      say(result, "ok", `Arrived after ${after_s.toFixed(1)} s`);
    } catch (error) {
      say(result, "bad", error instanceof ApiError ? error.message : "The server does not answer.");
    }
    setBusy(button, false);
  };
  const button = h(
    "button",
    { class: "btn small", type: "button", "data-needs": "admin", "aria-label": `Test ${channelName(name)}`, onclick: test },
    "Test",
  );
  const what = channelName(name) === KINDS[kind] ? target : `${KINDS[kind]}, ${target}`;
  return h("li", {}, h("div", {}, state, h("p", { class: "sub" }, `${what} · ${last}`)), button, result);
}

/**
 * @param {HTMLElement} element
 * @param {string} sign
 * @param {string} text
 */
const say = (element, sign, text) => element.replaceChildren(h("span", { class: `st ${sign}` }, text));

/**
 * @param {Notifications} notifications
 * @param {AbortSignal} closed
 */
function browserRow(notifications, closed) {
  const line = h("div");
  const acts = h("div", { class: "row" });
  const result = h("p", { class: "result", role: "status" });
  const button = (/** @type {string} */ label, /** @type {() => void} */ onclick) =>
    h("button", { class: "btn small", type: "button", onclick }, label);
  const test = () =>
    notifications.test()
      ? say(result, "ok", "Shown")
      : say(result, "bad", "This browser shows none from a page. Try it on a computer.");
  const render = () => {
    const { state } = notifications;
    const sign = state === "on" ? "ok" : state === "blocked" ? "bad" : "off";
    line.replaceChildren(h("span", { class: `st ${sign}` }, "Notifications"), h("p", { class: "sub" }, BROWSER[state]));
    acts.replaceChildren(
      ...(state === "on" ? [button("Turn off", () => notifications.turnOff()), button("Test notification", test)] : []),
      ...(state === "off" || state === "ask" ? [button("Turn on notifications", () => void notifications.turnOn())] : []),
    );
  };
  notifications.addEventListener("change", render, { signal: closed });
  render();
  return h("div", { class: "channels" }, h("div", { class: "channel" }, line, acts, result));
}
