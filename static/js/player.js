// @ts-check
import { h, icon } from "./dom.js";
import { playTime } from "./format.js";
import { tool } from "./stage.js";

const FIRST_FRAME_S = 1e-3;

/** Plays a video: the picture, and the tools that stand over its lower edge. */
export class Player {
  #ontime;
  #fps = 25;
  #durationS = 0;
  /** @type {number | null} where to go once the seek under way is over; only the newest counts */
  #wanted = null;
  #clock = h("span", { class: "chip" });
  #play = tool("play", { label: "Play", onclick: () => this.toggle() });
  #sound = tool("vol", { label: "Sound", onclick: () => this.toggleSound(), pressed: true });
  #seek = h("input", {
    class: "range",
    type: "range",
    min: 0,
    max: 0,
    step: 0.05,
    "aria-label": "Position in full screen",
    oninput: () => this.seek(Number(this.#seek.value)),
  });
  #signs = { play: icon("play", "fill"), pause: icon("pause", "fill"), on: icon("vol"), off: icon("mute") };
  video = h("video", { class: "film-video", playsinline: true, preload: "metadata", tabindex: -1 });
  controls;

  /**
   * @param {object} on
   * @param {(t: number) => void} on.ontime  where the picture is, in seconds
   * @param {() => void} on.onfail  the video cannot be played
   * @param {() => void} on.onfullscreen
   * @param {HTMLElement[]} [tools]  in the place of that for the sound
   */
  constructor({ ontime, onfail, onfullscreen }, tools) {
    this.#ontime = ontime;
    const expand = tool("expand", { label: "Full screen", onclick: onfullscreen });
    const end = h("div", { class: "push" }, ...(tools ?? [this.#sound]), expand);
    this.controls = h("div", { class: "screen-end player", hidden: true }, this.#play, this.#clock, this.#seek, end);
    this.#listen(onfail);
    this.#render();
  }

  /** @param {() => void} onfail */
  #listen(onfail) {
    const { video } = this;
    for (const name of ["play", "pause", "ended", "volumechange"]) video.addEventListener(name, () => this.#render());
    for (const name of ["timeupdate", "seeking", "durationchange"]) video.addEventListener(name, () => this.#tell());
    video.addEventListener("play", () => this.#run());
    video.addEventListener("seeked", () => this.#next());
    // Chrome paints the first frame of a paused video only after a seek; until then the poster stands there
    video.addEventListener("loadeddata", () => this.t === 0 && this.seek(FIRST_FRAME_S));
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("error", () => video.getAttribute("src") && onfail());
  }

  /**
   * @param {string} address
   * @param {{poster: string, label: string, fps: number, durationS: number}} options
   */
  load(address, { poster, label, fps, durationS }) {
    this.#fps = fps;
    this.#durationS = durationS;
    this.#wanted = null;
    this.video.poster = poster;
    this.video.setAttribute("aria-label", label);
    this.video.src = address;
    this.controls.hidden = false;
    this.#tell();
  }

  /** Takes the video off, so that nothing plays or loads that is not seen. */
  unload() {
    this.controls.hidden = true;
    if (!this.video.getAttribute("src")) return;
    this.video.pause();
    for (const name of ["src", "poster"]) this.video.removeAttribute(name);
    this.video.load();
  }

  /** @param {number} value  frames of the video in a second, for steps of one */
  set fps(value) {
    this.#fps = value;
  }

  /** Where the picture is, or will be at once. */
  get t() {
    return this.#wanted ?? this.video.currentTime;
  }

  get durationS() {
    return Number.isFinite(this.video.duration) ? this.video.duration : this.#durationS;
  }

  get playing() {
    return !this.video.paused && !this.video.ended;
  }

  /**
   * Shows the frame at a time; while one is being fetched only the newest wish is kept.
   * @param {number} t  seconds
   */
  seek(t) {
    this.#wanted = Math.max(0, Math.min(t, this.durationS));
    if (!this.video.seeking) this.#next();
    this.#tell();
  }

  #next() {
    if (this.#wanted === null) return;
    const t = this.#wanted;
    this.#wanted = null;
    if (Math.abs(this.video.currentTime - t) > 1e-4) this.video.currentTime = t;
    this.#tell();
  }

  toggle() {
    if (!this.video.getAttribute("src")) return;
    if (this.playing) this.video.pause();
    else this.video.play().catch(() => undefined); // what cannot be played is told by its error
  }

  toggleSound() {
    this.video.muted = !this.video.muted;
  }

  /** In the browser's own player, where only that can fill the screen: on an iPhone. */
  fullScreen() {
    const video = /** @type {HTMLVideoElement & {webkitEnterFullscreen?: () => void}} */ (this.video);
    video.webkitEnterFullscreen?.();
  }

  /**
   * Goes on or back by frames, to the middle of one, where no rounding leads to its neighbour.
   * @param {number} frames
   */
  step(frames) {
    this.video.pause();
    this.seek((Math.floor(this.t * this.#fps + 1e-3) + frames + 0.5) / this.#fps);
  }

  /** While it plays the time is told with each picture of the screen. */
  #run() {
    if (!this.playing) return;
    this.#tell();
    requestAnimationFrame(() => this.#run());
  }

  #tell() {
    const { t, durationS } = this;
    this.#clock.textContent = `${playTime(t, { tenths: true })} / ${playTime(durationS)}`;
    this.#seek.max = String(durationS);
    this.#seek.value = String(t);
    this.#seek.style.setProperty("--v", `${durationS ? (t / durationS) * 100 : 0}%`);
    this.#ontime(t);
  }

  #render() {
    const { playing } = this;
    const label = playing ? "Pause" : "Play";
    this.#play.setAttribute("aria-label", label);
    this.#play.title = label;
    this.#play.replaceChildren(playing ? this.#signs.pause : this.#signs.play);
    this.#sound.setAttribute("aria-pressed", String(!this.video.muted));
    this.#sound.replaceChildren(this.video.muted ? this.#signs.off : this.#signs.on);
  }
}
