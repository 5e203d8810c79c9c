// @ts-check
import { ApiError, getDoctor, getInfo } from "./api.js";
import { PathCheck } from "./path-check.js";

/**
 * What was found about one thing; `advice` is empty where nothing is to be done.
 * @typedef {{name: string, sign: "ok" | "warn" | "bad", text: string, advice: string}} Finding
 */

const SERVER_NAMES = {
  tcp_port: "Port",
  udp_ports: "UDP ports",
  ice_servers: "STUN and TURN",
  public_address: "Public address",
  aiortc: "WebRTC library",
};

/**
 * Looks at everything between this camera and the server, and yields each finding as it is known.
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Finding>}
 */
export async function* checkConnection(signal) {
  yield secureContext();
  yield await camera();
  if ("RTCPeerConnection" in globalThis) yield* path(signal);
  else yield bad("WebRTC", "This browser has no WebRTC.", "Use a newer Chrome, Edge, Firefox or Safari.");
  if (!signal.aborted) yield* server();
}

function secureContext() {
  if (isSecureContext) return ok("Page", "This page may ask for the camera.");
  const text = "Browsers give the camera only to https pages and to localhost.";
  return bad("Page", text, "Open this page with https, or as http://localhost on the server's own machine.");
}

async function camera() {
  if (!navigator.mediaDevices) return bad("Camera", "This page cannot ask for a camera.", "See what is said about the page.");
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  if (!cameras.length) return warn("Camera", "No camera is connected.", "Plug one in, or open this page on a phone.");
  // Firefox before 126 does not know this name.
  const name = /** @type {PermissionName} */ (/** @type {unknown} */ ("camera"));
  const state = await navigator.permissions.query({ name }).then(
    (permission) => permission.state,
    () => "prompt",
  );
  if (state === "denied")
    return bad("Camera", "This page is not allowed to use the camera.", "Click the sign in the address bar and choose Allow.");
  return ok("Camera", state === "granted" ? "The camera may be used." : "Your browser asks for the camera when you start it.");
}

/**
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Finding>}
 */
async function* path(signal) {
  /** @type {PathCheck | undefined} */
  let check;
  try {
    check = new PathCheck((await getInfo()).iceServers);
    signal.addEventListener("abort", () => check?.close());
    if (signal.aborted) return;
    await check.gather();
    yield gathered(check.candidates);
    yield connected(await check.connect());
  } catch (error) {
    if (signal.aborted) return;
    const busy = error instanceof ApiError && error.status === 503;
    yield (busy ? warn : bad)("Live video", error instanceof Error ? error.message : String(error), "Check again in a moment.");
  } finally {
    check?.close();
  }
}

/** @param {import("./path-check.js").CandidateCounts} counts */
function gathered({ host, srflx, relay }) {
  if (host + srflx + relay === 0)
    return bad("Network", "This browser offers no address for live video.", "An extension or a policy may block WebRTC.");
  const ways = [host && "direct", srflx && "through STUN", relay && "through TURN"].filter(Boolean);
  return ok("Network", `This browser offers ways for live video: ${ways.join(", ")}.`);
}

/** @param {import("./path-check.js").Path | null} found */
function connected(found) {
  if (!found) {
    const text = "No UDP packet finds its way between this browser and the server.";
    return bad("Live video", text, "A firewall may block UDP. Live takes a WebSocket instead, with more delay.");
  }
  const way = found.relayed ? "through a TURN server" : "straight";
  return ok("Live video", `UDP goes ${way} to the server and back in ${Math.round(found.roundTripMs)} ms.`);
}

/** @returns {AsyncGenerator<Finding>} */
async function* server() {
  let findings;
  try {
    ({ findings } = await getDoctor());
  } catch (error) {
    yield bad("Server", error instanceof Error ? error.message : String(error), "Check again in a moment.");
    return;
  }
  // The page itself knows whether it gets the camera: a proxy in front may speak https.
  const wrong = findings.filter(({ check, sign }) => sign !== "ok" && check !== "https");
  if (!wrong.length) yield ok("Server", "The server finds nothing wrong with itself.");
  for (const { check, sign, text, advice } of wrong) yield { name: `Server: ${serverName(check)}`, sign, text, advice };
}

/** @param {string} check */
function serverName(check) {
  return SERVER_NAMES[/** @type {keyof typeof SERVER_NAMES} */ (check)] ?? check.replaceAll("_", " ");
}

/** @param {string} name @param {string} text @returns {Finding} */
const ok = (name, text) => ({ name, sign: "ok", text, advice: "" });

/** @param {string} name @param {string} text @param {string} advice @returns {Finding} */
const warn = (name, text, advice) => ({ name, sign: "warn", text, advice });

/** @param {string} name @param {string} text @param {string} advice @returns {Finding} */
const bad = (name, text, advice) => ({ name, sign: "bad", text, advice });
