// @ts-check
/** Where the live picture comes from: a camera of this device, or the sample clip. */

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/** The source cannot be opened; `state` is the stage's state that says so. */
export class SourceError extends Error {
  /**
   * @param {string} state
   * @param {Record<string, unknown>} [values]
   */
  constructor(state, values = {}) {
    super(`The source cannot be opened: ${state}.`);
    this.state = state;
    this.values = values;
  }
}

/** @typedef {{stream: MediaStream, name: string, sample: boolean, onended: (() => void) | null, close(): void}} Source */

/**
 * @typedef {object} Opener
 * @property {() => Promise<string>} first  the state that is shown while it opens
 * @property {(signal: AbortSignal) => Promise<Source>} open
 */

/** Why this browser has no way to send video; null when it has one. */
export const noTransport = () =>
  typeof RTCPeerConnection === "undefined" && typeof WebSocket === "undefined"
    ? new SourceError("unsupported", { missing: "WebRTC and WebSocket" })
    : null;

/** The state that explains why this browser or page cannot send video; null when it can. */
function obstacle() {
  const missing = noTransport();
  if (missing) return missing;
  if (!isSecureContext) return new SourceError("insecure");
  if (!navigator.mediaDevices?.getUserMedia) return new SourceError("unsupported", { missing: "camera access" });
  return null;
}

/**
 * Opens a camera by its id; "" is the browser's choice.
 * @param {string} deviceId
 * @returns {Opener}
 */
export const cameraOpener = (deviceId) => ({ first: askingState, open: (signal) => openCamera(deviceId, signal) });

/** Whether the person will be asked; a browser that does not tell may ask. */
async function askingState() {
  const name = /** @type {PermissionName} */ ("camera"); // not in the type checker's list of names
  const permission = await navigator.permissions?.query({ name }).catch(() => null);
  return permission?.state === "granted" ? "opening" : "asking";
}

/**
 * Opens a camera; asks the person where the browser has to.
 * @param {string} deviceId  "" for the browser's choice
 * @param {AbortSignal} signal
 * @returns {Promise<Source>}
 */
async function openCamera(deviceId, signal) {
  const problem = obstacle();
  if (problem) throw problem;
  let stream;
  try {
    stream = await ask(deviceId);
  } catch (error) {
    throw new SourceError(stateOf(error));
  }
  if (signal.aborted) stream.getTracks().forEach((track) => track.stop());
  signal.throwIfAborted();
  return asSource(stream);
}

/** @param {string} deviceId */
async function ask(deviceId) {
  const any = () => navigator.mediaDevices.getUserMedia({ audio: false, video: WANTED });
  if (!deviceId) return any();
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, deviceId: { exact: deviceId } } });
  } catch (error) {
    // the remembered camera is not plugged in today
    if (error instanceof DOMException && ["NotFoundError", "OverconstrainedError"].includes(error.name)) return any();
    throw error;
  }
}

/** @param {unknown} error */
function stateOf(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotReadableError" || name === "AbortError") return "cameraInUse";
  return "noCamera";
}

/**
 * @param {MediaStream} stream
 * @returns {Source}
 */
function asSource(stream) {
  const [track] = stream.getVideoTracks();
  const source = {
    stream,
    name: track.label || "Camera",
    sample: false,
    onended: /** @type {(() => void) | null} */ (null),
    close() {
      track.onended = null;
      track.stop();
    },
  };
  track.onended = () => source.onended?.();
  return source;
}

/** The cameras of this device; without permission they have no names yet. */
export async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((device) => device.kind === "videoinput");
}
