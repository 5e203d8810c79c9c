// @ts-check
import { cameraOpener } from "./camera.js";
import { CameraChoice } from "./camera-choice.js";
import { copyOn, saveBlob, stamp } from "./clipboard.js";
import { h } from "./dom.js";
import { LiveControls } from "./live-controls.js";
import { LiveSession } from "./live-session.js";
import { LiveWatch } from "./live-watch.js";
import { Note } from "./note.js";
import { LOOKING, mayChange } from "./rights.js";
import { RunningStreams } from "./running-streams.js";
import { sampleOpener } from "./sample.js";
import { Sightings } from "./sightings.js";
import { Stage, tool } from "./stage.js";
import { fillIn, LIVE_STATES, withAlerts, withoutVideos } from "./states.js";
import { ViewHeight } from "./view-height.js";

/** @typedef {import("./camera.js").Source} Source */
/** @typedef {import("./live-session.js").Session} Session */
/** @typedef {import("./health.js").Health} Health */
/** @typedef {import("./announcer.js").Announcer} Announcer */
/** @typedef {import("./types.js").Info} Info */

const VIDEO = { muted: true, autoplay: true, playsinline: true };
const CONNECTING = ["connecting", "connectingSample"];
const RUNNING = [...CONNECTING, "asking", "opening", "loading", "full", "lost", "unreachable"];

/** The place Live: a person sees what the detector sees, in their own camera. */
export class Live {
  #announcer;
  #video = h("video", { ...VIDEO, class: "live", "aria-label": "Live video" });
  #preview = h("video", { ...VIDEO, class: "preview", "aria-hidden": "true", hidden: true });
  #boxes = tool("boxes", { label: "Boxes", pressed: true, onclick: () => this.toggleBoxes() });
  #refusal = new Note();
  #fallback = new Note();
  #stage;
  #watch;
  #sightings;
  #controls;
  #camera;
  #live;
  #running;
  #viewHeight;
  #details = "";
  #others;

  /** @param {{health: Health, info: Info, announcer: Announcer, events: import("./events.js").ServerEvents}} page */
  constructor({ health, info, announcer, events }) {
    this.#announcer = announcer;
    this.#others = info.servers > 1;
    this.#video.muted = this.#preview.muted = true;
    this.#stage = this.#buildStage(statesOf(info));
    this.#watch = new LiveWatch({
      stage: this.#stage,
      announcer,
      others: () => Math.max(0, (health.info?.active ?? 1) - 1),
      onsilent: () => this.#live.abandon(),
      imgsz: info.limits.live_imgsz_reason === "pinned" ? info.limits.live_imgsz : info.model.imgsz,
    });
    this.#camera = new CameraChoice({
      onchange: () => this.#switchCamera(),
      onplugged: () => this.#stage.shown === "noCamera" && this.#show("idle"),
    });
    this.#controls = new LiveControls({
      info,
      camera: this.#camera.element,
      onstop: () => this.#stop(),
      send: (control) => this.#live.session?.send(control),
      onrefused: (text) => this.#refusal.show({ kind: "warn", text }),
    });
    const noun = info.model.classes.length === 1 ? info.model.classes[0] : "object";
    this.#sightings = new Sightings({ video: this.#video, announcer, noun });
    const iceServers = () => (health.info ?? info).iceServers;
    this.#live = new LiveSession({ iceServers, query: () => this.#query(), on: this.#handlers() });
    this.#viewHeight = new ViewHeight(this.#stage.element, this.#video, (height) => this.#tell({ view_h: height }));
    this.#running = new RunningStreams({ iceServers, announcer, events });
    this.element = this.#build();
    this.#show("idle");
  }

  /** @param {Record<string, import("./states.js").State>} states */
  #buildStage(states) {
    const tools = [
      this.#boxes,
      tool("snap", { label: "Save this picture", onclick: () => this.savePicture() }),
      tool("expand", { label: "Full screen", onclick: () => this.fullScreen() }),
    ];
    const media = [this.#preview, this.#video];
    const stage = new Stage({ states, media, tools, onaction: (action, button) => this.#act(action, button) });
    stage.element.classList.add("bleed-top");
    this.#video.addEventListener("resize", () => stage.setShape(this.#video.videoWidth, this.#video.videoHeight));
    return stage;
  }

  #build() {
    const { strip, note } = this.#watch;
    const parts = [this.#stage, strip, note, this.#fallback, this.#refusal, this.#controls].map((part) => part.element);
    const camera = h("section", { class: "col", "aria-label": "Your camera" }, ...parts);
    const column = h("div", { class: "col" }, camera, this.#running.element);
    const heading = h("h1", { class: "vh", tabindex: -1 }, "Live");
    return h("div", { class: "page rail live-page" }, heading, column, this.#sightings.element);
  }

  /** Called when the place is shown. */
  async open() {
    this.#viewHeight.open();
    this.#running.open();
    addEventListener("pagehide", this.#left);
    await this.#camera.refresh();
  }

  /** Called when the place is left: nothing is filmed that is not seen. */
  close() {
    removeEventListener("pagehide", this.#left);
    this.#viewHeight.close();
    this.#running.close();
    this.#stop();
  }

  #left = () => this.#stop();

  /** @returns {import("./live-session.js").Handlers} */
  #handlers() {
    return {
      onstate: (state, values) => this.#show(state, values),
      onsource: (source) => this.#opened(source),
      onid: (id) => this.#running.leaveOut(id),
      onlive: (session, video) => this.#started(session, video),
      onmessage: (message) => {
        this.#watch.add(message);
        this.#sightings.add(message);
        this.#controls.confirm(message);
      },
      ondraining: (graceS) => this.#drain(graceS),
      oncontrolerror: (error) => this.#refusal.show({ kind: "warn", text: error }),
    };
  }

  /**
   * Another server takes over where there is one; else the person says whether to come back.
   * @param {number} graceS
   */
  #drain(graceS) {
    if (this.#others) void this.#live.moveOn();
    else this.#watch.warnOfEnd(graceS, () => (this.#live.reconnectAfter = true));
  }

  #query() {
    const { conf, mode } = this.#controls.all;
    const name = this.#camera.isSample ? "Sample clip" : "Camera in the browser";
    return new URLSearchParams({ return: "annotated", name, conf: String(conf), mode });
  }

  /** @param {import("./types.js").Control} control */
  #tell(control) {
    this.#live.session?.send(control);
    return Boolean(this.#live.session?.ready);
  }

  /**
   * @param {string} action
   * @param {HTMLElement} button
   */
  #act(action, button) {
    /** @type {Record<string, () => unknown>} */
    const acts = {
      start: () => this.#startCamera(),
      again: () => this.#start(),
      restart: () => this.#start(),
      sample: () => this.#startSample(),
      camera: () => this.#focusCamera(),
      otherCamera: () => this.#focusCamera(),
      cancel: () => this.#stop(),
      stop: () => this.#stop(),
      now: () => this.#live.hurry(),
      reconnect: () => this.#live.hurry(),
      picture: () => (location.hash = "#/picture"),
      video: () => (location.hash = "#/video"),
      signIn: () => location.reload(),
      copyHttps: () => copyOn(button, location.href.replace(/^http:/, "https:")),
      copyDetails: () => copyOn(button, this.#details),
    };
    void acts[action]?.();
  }

  /** Also after the sample clip, which is not what the button says. */
  #startCamera() {
    this.#camera.isSample = false;
    return this.#start();
  }

  #start() {
    if (this.#camera.isSample) return this.#startSample();
    return this.#live.start(cameraOpener(this.#camera.deviceId));
  }

  #startSample() {
    this.#camera.isSample = true;
    return this.#live.start(sampleOpener);
  }

  #focusCamera() {
    this.#show("idle");
    this.#camera.focus();
  }

  #stop() {
    this.#live.stop();
    this.#show("idle");
  }

  /** @param {Source} source */
  #opened(source) {
    this.#preview.srcObject = source.stream;
    this.#video.setAttribute("aria-label", `Live video from ${source.name}`);
    const { width, height, deviceId } = source.stream.getVideoTracks()[0].getSettings();
    this.#stage.setShape(width ?? 16, height ?? 9);
    if (!source.sample) void this.#camera.refresh(deviceId);
  }

  #switchCamera() {
    const state = this.#stage.shown;
    if (state === null || RUNNING.includes(state) || this.#camera.isSample) void this.#start();
    else if (state !== "idle") this.#show("idle");
  }

  /**
   * @param {Session} session
   * @param {MediaStream} video
   */
  #started(session, video) {
    session.send(this.#controls.all);
    const show = () => session === this.#live.session && this.#showPicture(session);
    this.#video.addEventListener("loadeddata", show, { once: true });
    this.#video.srcObject = video;
    this.#video.play().catch(() => undefined); // a hidden page may refuse; it plays when it is seen
  }

  /** @param {Session} session */
  #showPicture(session) {
    this.#watch.start(session, this.#camera.isSample ? "Sample clip" : "Live");
    this.#explainFallback();
    this.#viewHeight.renew();
    this.#arrange();
  }

  #explainFallback() {
    const { fallback, canRetry } = this.#live;
    if (!fallback) return;
    const action = { label: "Try WebRTC again", onclick: () => this.#live.retryWebrtc() };
    const content = { heading: "Running over WebSocket.", text: fallback, action: canRetry ? action : undefined };
    this.#fallback.show({ kind: "warn", ...content });
  }

  /**
   * @param {string} state
   * @param {Record<string, unknown>} [values]
   */
  #show(state, values = {}) {
    const entered = this.#stage.shown !== state;
    if (entered) this.#endPicture(state);
    this.#stage.show(state, values);
    if (!entered) return;
    this.#arrange();
    this.#details = JSON.stringify({ state, ...values, at: new Date().toISOString() }, null, 2);
    if (state === "lost") this.#announcer.assertive("Connection lost");
    else if (state !== "idle") this.#announcer.polite(fillIn(LIVE_STATES[state].heading, values));
  }

  /** @param {string} state */
  #endPicture(state) {
    this.#watch.stop();
    this.#controls.reset();
    this.#sightings.endSession();
    this.#refusal.hide();
    this.#fallback.hide();
    if (!RUNNING.includes(state)) this.#preview.srcObject = null;
    if (state === "lost")
      this.#video.pause(); // the last picture stays on the screen
    else this.#video.srcObject = null;
  }

  /** Shows what belongs to the state: preview, strip, Stop. */
  #arrange() {
    const state = this.#stage.shown;
    this.#preview.hidden = state === null || !CONNECTING.includes(state);
    this.#watch.strip.element.hidden = state !== null;
    this.#controls.stop.hidden = state !== null && ![...CONNECTING, "lost"].includes(state);
    this.#stage.element.classList.toggle("stale", state === "lost");
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    return {
      b: { label: "Boxes on or off", run: () => this.toggleBoxes() },
      f: { label: "Full screen", run: () => this.fullScreen() },
      s: { label: "Save the picture", run: () => void this.savePicture() },
    };
  }

  /** Draws the boxes or leaves them out. */
  toggleBoxes() {
    this.#controls.annotate = !this.#controls.annotate;
    this.#boxes.setAttribute("aria-pressed", String(this.#controls.annotate));
  }

  /** Saves the picture that is on the screen. */
  savePicture() {
    if (this.#stage.shown || !this.#video.videoWidth) return;
    const canvas = h("canvas", { width: this.#video.videoWidth, height: this.#video.videoHeight });
    canvas.getContext("2d")?.drawImage(this.#video, 0, 0);
    canvas.toBlob((blob) => blob && saveBlob(blob, `sightline-${stamp(new Date())}.png`));
  }

  /** Fills the screen with the picture, or gives it back. */
  fullScreen() {
    if (!this.#stage.shown) void this.#stage.toggleFullScreen();
  }
}

/** @param {Info} info */
function statesOf(info) {
  const { features, alerts } = info;
  if (!mayChange(info)) return { ...LIVE_STATES, idle: LOOKING.live };
  const states = features.includes("videos") ? LIVE_STATES : withoutVideos(LIVE_STATES);
  return alerts?.sources.includes("webcam") ? withAlerts(states) : states;
}
