// @ts-check
/** Every state that a stage can show, with its text word for word. `{name}` is filled in when it is shown. */

/**
 * @typedef {object} State
 * @property {string} icon
 * @property {string} heading
 * @property {string} body
 * @property {string[]} actions  keys of ACTIONS; the first one is primary where `primary` is true
 * @property {boolean} [primary]
 * @property {{sign: string, word: string}} [chip]
 * @property {boolean} [over]  what lies behind stays visible, dimmed
 * @property {boolean} [progress]  shows a moving bar
 */

/**
 * Each with its words; `needs` names the right that a key has to have for it.
 * @type {Record<string, {label: string, icon?: string, needs?: "admin"}>}
 */
export const ACTIONS = {
  start: { label: "Start camera", icon: "live", needs: "admin" },
  sample: { label: "Try the sample clip", needs: "admin" },
  cancel: { label: "Cancel" },
  close: { label: "Close" },
  again: { label: "Try again", icon: "swap" },
  now: { label: "Try now", icon: "swap" },
  restart: { label: "Start again", icon: "swap" },
  reconnect: { label: "Reconnect now", icon: "swap" },
  stop: { label: "Stop" },
  picture: { label: "Check a picture" },
  video: { label: "Use a video file" },
  camera: { label: "Choose camera", icon: "live" },
  otherCamera: { label: "Choose another camera" },
  copyHttps: { label: "Copy https address", icon: "copy" },
  signIn: { label: "Sign in", icon: "lock" },
  copyDetails: { label: "Copy details" },
  choose: { label: "Choose a picture", icon: "upload" },
  chooseOther: { label: "Choose another picture", icon: "upload" },
  chooseFiles: { label: "Choose files", icon: "upload", needs: "admin" },
  checkAgain: { label: "Try again", icon: "swap", needs: "admin" },
  cancelVideo: { label: "Cancel", needs: "admin" },
  restartVideo: { label: "Start again", icon: "swap", needs: "admin" },
  sendAgain: { label: "Send again", icon: "swap", needs: "admin" },
  remove: { label: "Remove", needs: "admin" },
  showAll: { label: "Show all" },
  toCameras: { label: "See the cameras", icon: "cameras" },
  toLive: { label: "Open Live", icon: "live" },
  addCamera: { label: "Add camera", icon: "cameras", needs: "admin" },
};

/** @type {State} */
const SIGNED_OUT = {
  icon: "lock",
  heading: "Please sign in again",
  body: "Your sign-in has run out.",
  actions: ["signIn"],
  primary: true,
};

/** @type {Record<string, State>} */
export const LIVE_STATES = {
  idle: {
    icon: "live",
    heading: "See what the detector sees",
    body: "Start your camera. Each picture is checked as it arrives, and nothing is kept on the server.",
    actions: ["start", "sample"],
    primary: true,
  },
  asking: {
    icon: "lock",
    heading: "Allow the camera",
    body: "Your browser is asking above. Choose Allow to start.",
    actions: ["cancel"],
  },
  opening: { icon: "live", heading: "Opening the camera", body: "This takes about a second.", actions: ["cancel"] },
  refused: {
    icon: "block",
    heading: "The browser blocked the camera",
    body: "Click the camera sign in the address bar, choose Allow, then try again. Sightline cannot ask a second time by itself.",
    actions: ["again", "video"],
    primary: true,
  },
  noCamera: {
    icon: "block",
    heading: "No camera found",
    body: "Plug one in and it appears here by itself. A phone or laptop can open this page too.",
    actions: ["sample", "video"],
  },
  cameraInUse: {
    icon: "block",
    heading: "Another program is using the camera",
    body: "Close it there (a call, another tab), then try again.",
    actions: ["again", "otherCamera"],
    primary: true,
  },
  cameraGone: {
    icon: "plug",
    heading: "The camera was unplugged",
    body: "Plug it in again, or choose another.",
    actions: ["camera"],
    primary: true,
  },
  insecure: {
    icon: "lock",
    heading: "Browsers give the camera only to secure pages",
    body: "Open this page with https, or as http://localhost on the server's own machine.",
    actions: ["copyHttps", "video"],
    primary: true,
  },
  unsupported: {
    icon: "block",
    heading: "This browser cannot send video",
    body: "It lacks {missing}. Chrome, Edge and Firefox from 2024, or Safari 17.5, can.",
    actions: ["picture"],
    primary: true,
  },
  loading: {
    icon: "server",
    heading: "The model is loading",
    body: "Usually 2 seconds. Your camera starts by itself then.",
    actions: ["cancel"],
  },
  full: {
    icon: "server",
    heading: "All {capacity} places are taken",
    body: "{active} of {capacity} live sessions are in use. We try again by ourselves in {seconds} s.",
    actions: ["now", "picture"],
    primary: true,
  },
  connecting: {
    icon: "plug",
    heading: "Connecting",
    body: "Camera is on. Opening the video connection to the server, this takes about a second.",
    actions: ["cancel"],
    chip: { sign: "busy", word: "Connecting" },
    over: true,
  },
  connectingSample: {
    icon: "plug",
    heading: "Connecting",
    body: "Opening the video connection to the server, this takes about a second.",
    actions: ["cancel"],
    chip: { sign: "busy", word: "Connecting" },
    over: true,
  },
  noMedia: {
    icon: "plug",
    heading: "No video came through",
    body:
      "The server answered, but neither WebRTC nor a WebSocket got through to it. A firewall or proxy on the way may let none " +
      "through; another network may. Pictures work here.",
    actions: ["again", "picture"],
    primary: true,
  },
  unreachable: {
    icon: "server",
    heading: "The server does not answer",
    body: "Check that it is running and that this device is online. Trying again in {seconds} s (attempt {attempt}).",
    actions: ["now", "cancel"],
    primary: true,
  },
  lost: {
    icon: "plug",
    heading: "Connection lost {ago} s ago",
    body: "The last picture is shown, it is not live. Trying again in {seconds} s (attempt {attempt}).",
    actions: ["reconnect", "stop"],
    primary: true,
    over: true,
  },
  ended: { icon: "server", heading: "The session ended", body: "{detail}", actions: ["restart", "copyDetails"], primary: true },
  signedOut: SIGNED_OUT,
};

/**
 * The same states where the server takes no video files: what works there is a picture.
 * @param {Record<string, State>} states
 * @returns {Record<string, State>}
 */
export function withoutVideos(states) {
  const instead = (/** @type {string} */ action) => (action === "video" ? "picture" : action);
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => [name, { ...state, actions: state.actions.map(instead) }]),
  );
}

/**
 * The same states where alerts are made from webcams too: then not everything is forgotten.
 * @param {Record<string, State>} states
 * @returns {Record<string, State>}
 */
export function withAlerts(states) {
  const body =
    "Start your camera. Each picture is checked as it arrives. Only an alert keeps its picture and a few seconds of video on the server.";
  return { ...states, idle: { ...states.idle, body } };
}

/** @type {Record<string, State>} */
export const WATCH_STATES = {
  connecting: {
    icon: "plug",
    heading: "Connecting",
    body: "Opening the video of {name}, this takes about a second.",
    actions: ["cancel"],
    chip: { sign: "busy", word: "Connecting" },
  },
  ended: {
    icon: "plug",
    heading: "The stream ended",
    body: "{name} is not shown on this server any more, or the connection to it broke.",
    actions: ["again", "close"],
    primary: true,
  },
  failed: { icon: "server", heading: "The video did not open", body: "{detail}", actions: ["again", "close"], primary: true },
  signedOut: SIGNED_OUT,
};

/** @type {Record<string, State>} */
export const PICTURE_STATES = {
  empty: {
    icon: "picture",
    heading: "Check a picture",
    body: "Drop, paste or choose one. It is checked on this server and not kept.",
    actions: ["choose"],
    primary: true,
  },
  checking: { icon: "picture", heading: "Checking {name}", body: "", actions: ["cancel"], over: true, progress: true },
  busy: {
    icon: "server",
    heading: "{name} waits",
    body: "The server is busy. Trying again in {seconds} s.",
    actions: ["now", "cancel"],
    primary: true,
  },
  tooLarge: {
    icon: "block",
    heading: "{name} is too large",
    body: "It is {size}, the limit is {limit}.",
    actions: ["chooseOther"],
    primary: true,
  },
  tooManyPixels: { icon: "block", heading: "{name} is too large", body: "{detail}", actions: ["chooseOther"], primary: true },
  notPicture: {
    icon: "block",
    heading: "{name} was not checked",
    body: "This is not a picture. JPEG, PNG, WebP, TIFF and BMP work.",
    actions: ["chooseOther"],
    primary: true,
  },
  damaged: {
    icon: "block",
    heading: "{name} was not checked",
    body: "The file is damaged and cannot be opened.",
    actions: ["chooseOther"],
    primary: true,
  },
  failed: {
    icon: "warn",
    heading: "{name} was not checked",
    body: "{detail}",
    actions: ["again", "chooseOther", "copyDetails"],
    primary: true,
  },
  unreachable: {
    icon: "server",
    heading: "The server does not answer",
    body: "Check that it is running and that this device is online, then try again.",
    actions: ["again"],
    primary: true,
  },
  signedOut: SIGNED_OUT,
};

/** @type {Record<string, State>} */
export const VIDEO_STATES = {
  opening: { icon: "video", heading: "Opening", body: "", actions: ["chooseFiles"], progress: true },
  empty: {
    icon: "video",
    heading: "Find {noun}s in a recording",
    body: "Drop a video. You see it being checked, then get the marked video, a timeline and the data.",
    actions: ["chooseFiles"],
    primary: true,
  },
  toSend: { icon: "upload", heading: "{name} waits", body: "{line}", actions: ["cancel"] },
  uploading: { icon: "upload", heading: "Uploading {name}", body: "{line}", actions: ["cancel"], progress: true },
  broken: {
    icon: "plug",
    heading: "The upload of {name} stopped",
    body: "{problem}",
    actions: ["sendAgain"],
    primary: true,
  },
  refused: { icon: "block", heading: "{name} was not added", body: "{problem}", actions: ["chooseFiles"], primary: true },
  refusedNow: {
    icon: "server",
    heading: "{name} was not added",
    body: "{problem}",
    actions: ["sendAgain", "chooseFiles"],
    primary: true,
  },
  queued: { icon: "video", heading: "{name} waits", body: "{line}", actions: ["remove"] },
  starting: {
    icon: "video",
    heading: "Checking {name}",
    body: "The first pictures come in a moment.",
    actions: ["cancelVideo"],
    progress: true,
  },
  failed: { icon: "block", heading: "{name} was not checked", body: "{problem}", actions: ["chooseFiles"], primary: true },
  failedNow: {
    icon: "warn",
    heading: "{name} was not checked",
    body: "{problem}",
    actions: ["checkAgain", "chooseFiles"],
    primary: true,
  },
  cancelled: { icon: "stop", heading: "{name} was cancelled", body: "{line}", actions: ["restartVideo"], primary: true },
  gone: {
    icon: "block",
    heading: "This video is not here any more",
    body: "It was deleted, or its time on the server was over.",
    actions: ["chooseFiles"],
    primary: true,
  },
  unplayable: {
    icon: "warn",
    heading: "The video does not play here",
    body: "This browser could not open it. Saved, it plays in most other programs.",
    actions: ["again"],
    primary: true,
  },
  unreachable: {
    icon: "server",
    heading: "The server does not answer",
    body: "Check that it is running and that this device is online. The list comes by itself then.",
    actions: ["now"],
    primary: true,
  },
  signedOut: SIGNED_OUT,
};

const NONE_TODAY = { icon: "alerts", heading: "No alerts today", body: "{watching}", actions: ["toCameras"] };

/** @type {Record<string, State>} */
export const ALERT_STATES = {
  loading: { icon: "alerts", heading: "Opening", body: "", actions: ["now"], progress: true },
  none: NONE_TODAY,
  noneWatched: {
    ...NONE_TODAY,
    body: "Live video that runs on this server is watched, and what may be a {noun} comes here.",
    actions: ["toLive"],
  },
  noneAddCamera: {
    ...NONE_TODAY,
    body: "Live video that runs on this server is watched. A camera is watched around the clock.",
    actions: ["addCamera"],
  },
  noCameras: { icon: "cameras", heading: "Alerts come from cameras", body: "Add one first.", actions: ["addCamera"], primary: true },
  noneThatDay: { icon: "alerts", heading: "No alerts {day}", body: "", actions: ["showAll"] },
  filtered: { icon: "alerts", heading: "No {state}alerts {day}", body: "", actions: ["showAll"] },
  gone: {
    icon: "block",
    heading: "This alert is not here any more",
    body: "It was deleted, or its time on the server was over.",
    actions: ["showAll"],
  },
  unreachable: {
    icon: "server",
    heading: "The server does not answer",
    body: "Check that it is running and that this device is online. The alerts come by themselves then.",
    actions: ["now"],
    primary: true,
  },
  signedOut: SIGNED_OUT,
};

/** The line under the strip when the picture is late, by cause. */
export const CAUSES = {
  silent: "No picture has come for {seconds} s. What you see is not live.",
  detector:
    "The server checks {checked} pictures a second, your camera sends {sent}. Older ones are skipped, so what you see stays recent.",
  smaller: "The server is busy: it checks pictures at {imgsz} instead of {full} pixels. Small things are missed more often.",
  network: "The network is losing pictures ({loss} %).",
  shared: "{others} other sessions share this server.",
  sharedOne: "1 other session shares this server.",
  distance: "The way to the server and back takes {rtt} ms.",
  camera: "Your camera sends {sent} pictures a second. More light often makes it faster.",
};

/**
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
export const fillIn = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
