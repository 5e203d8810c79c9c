// @ts-check
/** Everything the page asks the server; the only place with a fetch. */

/** @typedef {import("./types.js").Info} Info */
/** @typedef {import("./types.js").PredictAnswer} PredictAnswer */
/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").VideoLimits} VideoLimits */
/** @typedef {import("./types.js").VideoResult} VideoResult */
/** @typedef {import("./types.js").Alert} Alert */

const JSON_BODY = { "Content-Type": "application/json" };

/** The server refused; carries its RFC 9457 problem. */
export class ApiError extends Error {
  /** @param {{status: number, problem: Record<string, unknown>, retryAfterS: number | null, requestId: string | null}} answer */
  constructor({ status, problem, retryAfterS, requestId }) {
    super(String(problem.detail ?? problem.title ?? `The server answered ${status}.`));
    this.status = status;
    this.problem = problem;
    this.retryAfterS = retryAfterS;
    this.requestId = requestId;
  }

  /** @param {Response} response */
  static async from(response) {
    const problem = await response.json().catch(() => ({}));
    const retryAfterS = Number(response.headers.get("Retry-After") ?? NaN);
    return new ApiError({
      status: response.status,
      problem: problem && typeof problem === "object" ? problem : {},
      retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : null,
      requestId: response.headers.get("X-Request-Id"),
    });
  }
}

/** No answer came: the server is not running or the network is down. */
export class NetworkError extends Error {}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function call(path, init) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...init });
  } catch (cause) {
    if (init?.signal?.aborted) throw cause;
    throw new NetworkError("The server does not answer.", { cause });
  }
  if (!response.ok) throw await ApiError.from(response);
  return response;
}

/** @returns {Promise<Info>} */
export const getInfo = async () => (await call("/api/info")).json();

/** The icons of the page, as SVG. */
export const getSprite = async () => (await call("/static/icons.svg", { cache: "default" })).text();
/**
 * The server's event stream; after a break the browser connects again by itself.
 * @param {{videos: boolean, cameras: boolean, alerts: boolean}} options  what it tells of
 */
export function followEvents({ videos, cameras, alerts }) {
  const wanted = [videos && "videos=all", cameras && "cameras=1", alerts && "alerts=1"].filter(Boolean);
  return new EventSource(`/api/events${wanted.length ? `?${wanted.join("&")}` : ""}`);
}

/**
 * What the server finds wrong with itself and its surroundings.
 * @returns {Promise<{ok: boolean, findings: {check: string, sign: "ok" | "warn" | "bad", text: string, advice: string}[]}>}
 */
export const getDoctor = async () => (await call("/api/doctor")).json();

/**
 * The answer to an offer of one data channel, which sends back what it gets.
 * @param {string} offer
 * @param {AbortSignal} signal
 */
export async function tryPath(offer, signal) {
  const headers = { "Content-Type": "application/sdp" };
  return (await call("/api/doctor/path", { method: "POST", headers, body: offer, signal })).text();
}

/**
 * Whether a refusal says that the server is about to end.
 * @param {ApiError} error
 */
export const tellsOfEnd = (error) => error.status === 503 && /about to end/.test(String(error.problem.detail));

/** Resolves when the server is ready; an ApiError 503 says why it is not. */
export const getReady = async () => void (await call("/readyz"));

/**
 * Has one picture checked; results come down to 5 %, so that the page can filter without asking again.
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<PredictAnswer>}
 */
export async function predict(file, signal) {
  const response = await call("/predict?format=json&conf=0.05", { method: "POST", body: pictureForm(file), signal });
  return response.json();
}

/**
 * The same picture in a format that every browser shows, without boxes: nothing is as sure as 1.
 * @param {File} file
 * @param {AbortSignal} signal
 */
export async function convertPicture(file, signal) {
  const response = await call("/predict?format=jpeg&conf=1", { method: "POST", body: pictureForm(file), signal });
  return response.blob();
}

/** @param {File} file */
function pictureForm(file) {
  const form = new FormData();
  form.append("file", file, file.name);
  return form;
}

/**
 * All videos of the server, newest first, and what it takes.
 * @returns {Promise<{videos: Job[], limits: VideoLimits}>}
 */
export const listVideos = async () => (await call("/api/videos")).json();

/**
 * The address of something that belongs to a video.
 * @param {string} id
 * @param {"annotated.mp4" | "detections.json" | "detections.csv" | "mjpeg" | "poster.jpg"} what
 */
export const videoAddress = (id, what) => `/api/videos/${encodeURIComponent(id)}/${what}`;

/**
 * What was found in a video.
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<VideoResult>}
 */
export const getVideoResult = async (id, signal) => (await call(videoAddress(id, "detections.json"), { signal })).json();

/**
 * Stops checking a video, or checks it once more.
 * @param {string} id
 * @param {"cancel" | "restart"} action
 * @returns {Promise<Job>}
 */
export const changeVideo = async (id, action) =>
  (await call(`/api/videos/${encodeURIComponent(id)}/${action}`, { method: "POST" })).json();

/**
 * Removes a video with its results; outlives the page, so that what was deleted is gone when the tab is closed.
 * @param {string} id
 */
export async function deleteVideo(id) {
  await call(`/api/videos/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: true });
}

/**
 * Sends a video as it is and returns its job; fetch does not tell how far an upload is.
 * @param {File} file
 * @param {{signal: AbortSignal, onprogress: (sent: number) => void}} options  sent in bytes
 * @returns {Promise<Job>}
 */
export function uploadVideo(file, { signal, onprogress }) {
  const request = new XMLHttpRequest();
  request.open("POST", `/api/videos?${new URLSearchParams({ name: file.name })}`);
  request.setRequestHeader("Content-Type", file.type.startsWith("video/") ? file.type : "application/octet-stream");
  request.upload.addEventListener("progress", ({ loaded }) => onprogress(loaded));
  signal.addEventListener("abort", () => request.abort(), { once: true });
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(new NetworkError("The connection broke.")));
    request.addEventListener("abort", () => reject(signal.reason));
    request.addEventListener("load", async () => {
      const { status, response } = request;
      const names = ["Retry-After", "X-Request-Id"];
      const headers = names.flatMap((name) =>
        request.getResponseHeader(name) ? [[name, request.getResponseHeader(name) ?? ""]] : [],
      );
      const answer = new Response(response, { status: status < 200 ? 502 : status, headers: Object.fromEntries(headers) });
      if (answer.ok) answer.json().then(resolve, () => reject(new NetworkError("The answer broke off.")));
      else reject(await ApiError.from(answer));
    });
    request.send(file);
  });
}

/**
 * Opens a WHIP session (RFC 9725) and returns the answer and the session's address.
 * @param {string} offer
 * @param {{query: URLSearchParams, signal: AbortSignal}} options
 */
export async function openWhip(offer, { query, signal }) {
  const headers = { "Content-Type": "application/sdp" };
  const response = await call(`/whip?${query}`, { method: "POST", headers, body: offer, signal });
  return { answer: await response.text(), location: response.headers.get("Location") ?? "" };
}

/**
 * Opens a WHEP session, which watches a running stream, and returns the answer and the session's address.
 * @param {string} id  of the stream
 * @param {string} offer
 * @param {AbortSignal} signal
 */
export async function openWhep(id, offer, signal) {
  const headers = { "Content-Type": "application/sdp" };
  const response = await call(`/whep/${encodeURIComponent(id)}`, { method: "POST", headers, body: offer, signal });
  return { answer: await response.text(), location: response.headers.get("Location") ?? "" };
}

/**
 * Ends a WHIP or WHEP session; outlives the page, so that closing a tab frees its place at once.
 * @param {string} location
 */
export async function closeWhip(location) {
  await call(location, { method: "DELETE", keepalive: true }).catch(() => undefined);
}

/**
 * Why a WebSocket did not open, which a browser does not tell: throws what the server refuses, and resolves where it would not.
 * @param {URLSearchParams} query
 * @param {AbortSignal} signal
 */
export async function checkWebSocket(query, signal) {
  try {
    await call(`/ws/stream?${query}`, { signal });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 426) throw error; // 426: it only asks for a WebSocket
  }
}

/**
 * Alerts, newest first, and when the server said so (milliseconds, not a number where it does not say).
 * @param {URLSearchParams} query  state, since, until, camera, limit
 * @returns {Promise<{alerts: Alert[], answeredAt: number}>}
 */
export async function listAlerts(query) {
  const response = await call(`/api/alerts?${query}`);
  return { alerts: (await response.json()).alerts, answeredAt: Date.parse(response.headers.get("Date") ?? "") };
}

/**
 * The address of an alert, or of something that belongs to it.
 * @param {string} id
 * @param {"" | "snapshot.jpg" | "snapshot.jpg?boxes=0" | "snapshot.jpg?crop=1" | "clip.mp4" | "detections.json"} [what]
 */
export const alertAddress = (id, what = "") => `/api/alerts/${encodeURIComponent(id)}${what && `/${what}`}`;

/**
 * @param {string} id
 * @returns {Promise<Alert>}
 */
export const getAlert = async (id) => (await call(alertAddress(id))).json();

/**
 * What the detector saw around an alert.
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").AlertDetections>}
 */
export const getAlertDetections = async (id, signal) => (await call(alertAddress(id, "detections.json"), { signal })).json();

/**
 * Sends what a person says of an alert; outlives the page, so that an answer is not lost when the tab is closed.
 * @param {string} id
 * @param {"confirm" | "dismiss"} verdict
 * @param {{note: string | null, reason?: string | null, by?: string | null}} answer
 * @returns {Promise<Alert>}
 */
export async function decideAlert(id, verdict, answer) {
  const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const body = JSON.stringify({ ...answer, time_zone });
  return (await call(`${alertAddress(id)}/${verdict}`, { method: "POST", headers: JSON_BODY, body, keepalive: true })).json();
}

/**
 * @param {string} id
 * @param {string} note
 * @returns {Promise<Alert>}
 */
export const saveAlertNote = async (id, note) =>
  (await call(alertAddress(id), { method: "PATCH", headers: JSON_BODY, body: JSON.stringify({ note }) })).json();

/**
 * Sends a message that did not arrive once more.
 * @param {string} id  of the alert
 * @param {string} delivery
 */
export async function sendDeliveryAgain(id, delivery) {
  await call(`${alertAddress(id)}/deliveries/${encodeURIComponent(delivery)}/again`, { method: "POST" });
}

/**
 * Where alerts are saved from.
 * @param {"csv" | "zip"} kind
 * @param {URLSearchParams} query  as for the list
 */
export const exportAddress = (kind, query) => `/api/alerts/export.${kind}?${query}`;

/**
 * Who is told of alerts.
 * @returns {Promise<{channels: import("./types.js").Channel[]}>}
 */
export const listChannels = async () => (await call("/api/channels")).json();

/**
 * Sends a test message.
 * @param {string} name
 * @returns {Promise<{sent: boolean, after_s: number}>}
 */
export const testChannel = async (name) =>
  (await call(`/api/channels/${encodeURIComponent(name)}/test`, { method: "POST" })).json();

/** @typedef {import("./types.js").Camera} Camera */

/**
 * @param {string} id
 * @param {"" | "/reconnect"} [what]
 */
const cameraAddress = (id, what = "") => `/api/cameras/${encodeURIComponent(id)}${what}`;

/**
 * All cameras, oldest first.
 * @returns {Promise<Camera[]>}
 */
export const listCameras = async () => (await (await call("/api/cameras")).json()).cameras;

/**
 * Adds a camera, or changes what is given of one.
 * @param {string | null} id  null for a new one
 * @param {Record<string, unknown>} values
 * @returns {Promise<Camera>}
 */
export async function saveCamera(id, values) {
  const init = { method: id ? "PATCH" : "POST", headers: JSON_BODY, body: JSON.stringify(values) };
  return (await call(id ? cameraAddress(id) : "/api/cameras", init)).json();
}

/**
 * Forgets a camera; outlives the page.
 * @param {string} id
 */
export async function deleteCamera(id) {
  await call(cameraAddress(id), { method: "DELETE", keepalive: true });
}

/**
 * Connects a camera anew at once.
 * @param {string} id
 * @returns {Promise<Camera>}
 */
export const reconnectCamera = async (id) => (await call(cameraAddress(id, "/reconnect"), { method: "POST" })).json();

/**
 * The address of what a running stream shows.
 * @param {string} id
 * @param {"snapshot.jpg" | "mjpeg"} what
 */
export const streamAddress = (id, what) => `/api/streams/${encodeURIComponent(id)}/${what}`;

/** @param {string} key */
export async function signIn(key) {
  await call("/api/session", { method: "POST", headers: JSON_BODY, body: JSON.stringify({ key }) });
}

/** Forgets this browser's sign-in. */
export async function signOut() {
  await call("/api/session", { method: "DELETE" });
}
