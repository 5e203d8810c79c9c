// @ts-check
import { alertAddress, getAlertDetections } from "./api.js";
import { opened, possible } from "./alert-words.js";
import { ClipBoxes, seenWhen } from "./clip-boxes.js";
import { ClipLane } from "./clip-lane.js";
import { h } from "./dom.js";
import { lanesOf } from "./lanes.js";
import { Player } from "./player.js";
import { Stage, tool } from "./stage.js";
import { ALERT_STATES } from "./states.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./types.js").AlertDetections} AlertDetections */

const LEAD_S = 2; // how long before the alert the clip begins to play, at first and each time around
const USUAL_FRAME_S = 0.1;
const CHIPS = {
  pending: { sign: "busy", word: "Best frame, the clip is being made" },
  missing: { sign: "off", word: "Best frame, no clip was kept" },
  broken: { sign: "bad", word: "Best frame, the clip does not play here" },
};
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The clip of an alert with its boxes, and the line under it; the best frame stands there until the clip is ready. */
export class AlertClip {
  #classes;
  #onbest;
  #best = h("img", { class: "best", decoding: "async" });
  #boxes = new ClipBoxes();
  #toggle = tool("boxes", { label: "Boxes", pressed: true, onclick: () => this.toggleBoxes() });
  #player = new Player({ ontime: (t) => this.#at(t), onfail: () => this.#fail(), onfullscreen: () => this.fullScreen() }, [
    this.#toggle,
  ]);
  #stage = new Stage({
    states: ALERT_STATES,
    media: [this.#best, this.#player.video, this.#boxes.element],
    tools: [],
    onaction: () => {},
  });
  #lane = new ClipLane((t) => this.#seek(t));
  #abort = new AbortController();
  /** @type {Alert | null} */
  #alert = null;
  /** @type {AlertDetections | null} */
  #detections = null;

  /**
   * @param {string[]} classes  of the model, in its order
   * @param {(image: HTMLImageElement) => void} onbest  the best frame is there
   */
  constructor(classes, onbest) {
    this.#classes = classes;
    this.#onbest = onbest;
    const { video } = this.#player;
    video.muted = true;
    video.addEventListener("loadeddata", () => still.matches || this.#showVideo());
    video.addEventListener("play", () => this.#showVideo());
    video.addEventListener("ended", () => this.#again());
    this.#player.controls.addEventListener("input", () => this.#showVideo()); // its slider, in full screen
    this.#best.addEventListener("click", () => this.toggle());
    this.#best.addEventListener("load", () => this.#onbest(this.#best));
    this.#stage.element.append(this.#player.controls);
  }

  get elements() {
    return [this.#stage.element, this.#lane.element];
  }

  /** Pixels of the screen for one of the source. */
  get scale() {
    const { clientWidth, clientHeight } = this.#stage.element;
    const { width, height } = this.#alert ?? { width: 1, height: 1 };
    return Math.min(clientWidth / width, clientHeight / height);
  }

  open() {
    this.#boxes.open();
  }

  /** Ends whatever plays or loads. */
  close() {
    this.#boxes.close();
    this.#unload();
    this.#alert = null;
  }

  /** @param {Alert} alert */
  show(alert) {
    const before = this.#alert?.id === alert.id ? this.#alert : null;
    this.#alert = alert;
    if (!before) this.#enter(alert);
    if (before?.confidence !== alert.confidence) this.#showBest(alert);
    if (before?.clip !== alert.clip) this.#showClip(alert);
  }

  /** @param {Alert} alert */
  #enter(alert) {
    this.#unload();
    this.#stage.setShape(alert.width, alert.height);
    this.#best.alt = `Best frame, ${possible(alert)} at ${alert.source.name}`;
  }

  #unload() {
    this.#abort.abort();
    this.#player.unload();
    this.#detections = null;
    this.#lane.clear();
  }

  /** @param {Alert} alert */
  #showBest(alert) {
    this.#best.src = `${alertAddress(alert.id, "snapshot.jpg?boxes=0")}&best=${Math.round(alert.confidence * 1000)}`;
    if (!this.#best.hidden) this.#showBestBox(alert);
  }

  /** @param {Alert} alert */
  #showBestBox({ label, confidence, box, track_id, width, height }) {
    const result = { class: Math.max(0, this.#classes.indexOf(label)), name: label, confidence, box, track_id };
    this.#boxes.show([result], { width, height });
  }

  /** @param {Alert} alert */
  #showClip(alert) {
    this.#best.hidden = false;
    this.#player.video.hidden = true;
    this.#showBestBox(alert);
    this.#stage.showPicture(alert.clip === "ready" ? null : CHIPS[alert.clip]);
    const ready = alert.clip === "ready";
    this.#stage.element.toggleAttribute("data-still", !ready);
    this.#player.controls.hidden = false;
    if (ready) void this.#load(alert);
  }

  /** @param {Alert} alert */
  async #load(alert) {
    const { signal } = (this.#abort = new AbortController());
    this.#player.load(alertAddress(alert.id, "clip.mp4"), {
      poster: "",
      label: `Clip of the alert at ${alert.source.name}, ${opened(alert)}`,
      fps: 25,
      durationS: alert.clip_duration_s ?? 0,
    });
    this.#player.seek(this.#startS);
    this.#lane.show([], { durationS: alert.clip_duration_s || 1, alertS: this.#alertS, frameS: USUAL_FRAME_S });
    if (!still.matches) this.#play();
    const detections = await getAlertDetections(alert.id, signal).catch(() => null);
    if (signal.aborted || !detections) return;
    this.#detections = detections;
    this.#drawLane(detections);
    this.#at(this.#player.t);
  }

  /** @param {AlertDetections} detections */
  #drawLane({ frames }) {
    const moments = frames.map(({ t, results }, frame) => ({ frame, time_s: t + this.#alertS, results }));
    const steps = moments
      .slice(1)
      .map(({ time_s }, at) => time_s - moments[at].time_s)
      .sort((a, b) => a - b);
    const frameS = steps[steps.length >> 1] ?? USUAL_FRAME_S;
    const within = moments.filter(({ time_s }) => time_s >= 0 && time_s <= this.#player.durationS);
    this.#lane.show(lanesOf({ frames: within }, frameS), { durationS: this.#player.durationS, alertS: this.#alertS, frameS });
  }

  /** Where the alert is in its clip, in seconds. */
  get #alertS() {
    return Math.max(0, -(this.#alert?.clip_start_s ?? 0));
  }

  get #startS() {
    return Math.max(0, this.#alertS - LEAD_S);
  }

  #play() {
    this.#player.video.play().catch(() => undefined); // what cannot be played is told by its error
  }

  #again() {
    this.#player.seek(this.#startS);
    this.#play();
  }

  /** @param {number} t */
  #seek(t) {
    this.#player.seek(t);
    this.#showVideo();
  }

  /** The clip in the place of the best frame: once it plays, or the person moves through it. */
  #showVideo() {
    if (this.#alert?.clip !== "ready") return;
    this.#best.hidden = true;
    this.#player.video.hidden = false;
    this.#at(this.#player.t);
  }

  /** @param {number} t */
  #at(t) {
    const alert = this.#alert;
    if (alert?.clip !== "ready") return;
    this.#lane.at(t);
    if (!this.#best.hidden) return;
    const size = this.#detections ?? alert;
    this.#boxes.show(this.#detections ? seenWhen(this.#detections, t - this.#alertS) : [], size);
  }

  #fail() {
    if (!this.#alert) return;
    this.#unload();
    this.#best.hidden = false;
    this.#player.video.hidden = true;
    this.#showBestBox(this.#alert);
    this.#player.controls.hidden = false;
    this.#stage.element.toggleAttribute("data-still", true);
    this.#stage.setChip(CHIPS.broken);
  }

  toggle() {
    if (this.#alert?.clip === "ready") this.#player.toggle();
  }

  /** Draws the boxes or leaves them out. */
  toggleBoxes() {
    this.#boxes.on = !this.#boxes.on;
    this.#toggle.setAttribute("aria-pressed", String(this.#boxes.on));
  }

  /** Fills the screen with the clip, or gives it back. */
  fullScreen() {
    if (document.fullscreenEnabled) void this.#stage.toggleFullScreen();
    else this.#player.fullScreen();
  }
}
