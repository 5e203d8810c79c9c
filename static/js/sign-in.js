// @ts-check
import { ApiError, signIn } from "./api.js";
import { byId } from "./dom.js";

const form = /** @type {HTMLFormElement} */ (byId("form"));
const field = /** @type {HTMLInputElement} */ (byId("key"));

/** @param {string} text */
function complain(text) {
  byId("problem-text").textContent = text;
  byId("problem").hidden = !text;
  field.setAttribute("aria-invalid", String(Boolean(text)));
  if (text) field.select();
}

/** @param {string} key */
async function enter(key) {
  complain("");
  try {
    await signIn(key);
    openPage();
  } catch (error) {
    complain(sentence(error));
  }
}

/** The page, at the place that the address names. */
function openPage() {
  if (location.hash.startsWith("#/")) location.reload();
  else location.replace("/");
}

/** @param {unknown} error */
function sentence(error) {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 401) return "This key is not known here. Check it and try again.";
  if (error.status === 429) return `Too many wrong keys came from your network. Try again in ${error.retryAfterS ?? 60} s.`;
  return error.message;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void enter(field.value.trim());
});

// the address that the server prints carries the key behind the #, which browsers never send
const printed = new URLSearchParams(location.hash.slice(1)).get("key");
if (printed) {
  history.replaceState(null, "", location.pathname);
  await enter(printed);
}

export {};
