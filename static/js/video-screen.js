// @ts-check
import { getVideoResult, videoAddress } from "./api.js";
import { percent, playTime, roughly } from "./format.js";
import { mayHelp } from "./file-words.js";
import { FrameReader } from "./frame-reader.js";
import { lanesOf, lanesSoFar } from "./lanes.js";
import { Note } from "./note.js";
import { Player } from "./player.js";
import { Preview } from "./preview.js";
import { SightingsTable } from "./sightings-table.js";
import { Stage, tool } from "./stage.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").VideoResult} VideoResult */
/** @typedef {import("./videos.js").VideoFile} VideoFile */

const INTO_FRAME_S = 0.001; // a time that is exactly a frame's may be rounded into the one before
const USUAL_FPS = 25;
const MISSING = { heading: "The timeline did not load.", text: "The video plays without it." };

/** What is shown of one video: its state in words, its pictures while it is checked, then player, timeline and table. */
export class VideoScreen {
  #noun;
  #conf;
  #preview = new Preview(() => this.#showPreview());
  #player;
  #stage;
  #reader = new FrameReader();
  #timeline;
  #table;
  #note = new Note();
  #abort = new AbortController();
  /** @type {Job | null} */
  #job = null;
  /** The finished video that is loaded. */
  #loaded = "";
  /** @type {VideoResult | null} */
  #result = null;
  /** @type {number[]} when something comes into view, in seconds: what was away for a while comes a second time */
  #starts = [];

  /**
   * @param {object} options
   * @param {string} options.noun
   * @param {number} options.conf  the model's own threshold
   * @param {Record<string, import("./states.js").State>} options.states
   * @param {(action: string) => void} options.onaction
   */
  constructor({ noun, conf, states, onaction }) {
    this.#noun = noun;
    this.#conf = conf;
    this.#player = new Player({
      ontime: (t) => this.#at(t),
      onfail: () => this.#stage.show("unplayable"),
      onfullscreen: () => this.fullScreen(),
    });
    this.#stage = new Stage({
      states,
      media: [this.#preview.image, this.#player.video],
      tools: [tool("expand", { label: "Full screen", onclick: () => this.fullScreen() })],
      onaction: (action) => (this.#stage.shown === "unplayable" ? this.#reload() : onaction(action)),
    });
    this.#stage.element.append(this.#player.controls);
    this.#timeline = new Timeline(noun, {
      onseek: (t) => this.#player.seek(t),
      onlook: (t, canvas) => this.#reader.look(t, canvas),
      onsighting: (step) => this.#toSighting(step),
    });
    this.#table = new SightingsTable(this.#reader, (t) => this.#go(t));
    this.#hideResult();
  }

  get elements() {
    return [this.#stage.element, this.#note.element, this.#timeline.element, this.#table.element];
  }

  get playing() {
    return this.#player.playing;
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    if (!this.#loaded) return { f: { label: "Full screen", run: () => this.fullScreen() } };
    const by = (/** @type {number} */ seconds) => (/** @type {KeyboardEvent} */ event) =>
      this.#player.seek(this.#player.t + seconds * (event.shiftKey ? 10 : 1));
    return {
      " ": { name: "Space", label: "Play or pause", run: () => this.#player.toggle() },
      arrowleft: { name: "←", label: "1 second back, 10 with Shift", run: by(-1) },
      arrowright: { name: "→", label: "1 second on, 10 with Shift", run: by(1) },
      ",": { label: "One frame back", run: () => this.#player.step(-1) },
      ".": { label: "One frame on", run: () => this.#player.step(1) },
      n: { label: "Next sighting", run: () => this.#toSighting(1) },
      p: { label: "Previous sighting", run: () => this.#toSighting(-1) },
      f: { label: "Full screen", run: () => this.fullScreen() },
      m: { label: "Sound on or off", run: () => this.#player.toggleSound() },
    };
  }

  /** Fills the screen with the picture, or gives it back. */
  fullScreen() {
    if (this.#stage.shown) return;
    if (document.fullscreenEnabled) void this.#stage.toggleFullScreen();
    else this.#player.fullScreen();
  }

  /** Brings the picture into view, where the table stands far below it. */
  #reveal() {
    const { top } = this.#stage.element.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) this.#stage.element.scrollIntoView({ block: "start" });
  }

  /** Ends whatever plays or loads. */
  clear() {
    this.#abort.abort();
    this.#preview.close();
    this.#player.unload();
    this.#reader.close();
    this.#loaded = "";
    this.#result = null;
    this.#job = null;
    this.#player.video.hidden = true;
    this.#hideResult();
  }

  #hideResult() {
    this.#timeline.element.hidden = this.#table.element.hidden = true;
    this.#note.hide();
  }

  /** @param {string} state */
  showEmpty(state) {
    this.clear();
    this.#stage.show(state, { noun: this.#noun });
  }

  /**
   * @param {VideoFile} file
   * @param {import("./file-words.js").Words} words
   */
  show({ name, job, upload }, words) {
    const changed = job?.id !== this.#job?.id || job?.state !== this.#job?.state;
    if (changed) this.clear();
    this.#job = job;
    const values = { name, line: sentence(words.line), problem: words.problem, share: upload?.progress };
    if (upload) this.#stage.show(uploadState(upload), values);
    else if (job?.state === "running") this.#showRunning(job);
    else if (job?.state === "done") this.#showDone(job);
    else if (job) this.#stage.show(job.state === "failed" && mayHelp(job) ? "failedNow" : job.state, values);
  }

  /** @param {Job} job */
  #showRunning(job) {
    if (job.width && job.height) this.#stage.setShape(job.width, job.height);
    this.#preview.open(job.id);
    if (this.#preview.shows) this.#showPreview();
    else this.#stage.show("starting", { name: job.name, share: job.frames ? job.progress : undefined });
    this.#timeline.element.hidden = !job.duration_s;
    if (!job.duration_s) return;
    const left = job.eta_s === null ? "" : `, ${roughly(Math.max(1, job.eta_s))} left`;
    const text = `Checked up to ${playTime(job.progress * job.duration_s)}${left}`;
    const partS = job.seen?.part_s ?? 0;
    const lanes = job.seen ? lanesSoFar(job.seen, partS) : [];
    this.#timeline.grow({ lanes, durationS: job.duration_s, frameS: partS, fps: 0 }, { progress: job.progress, text });
  }

  #showPreview() {
    const job = this.#job;
    if (job?.state !== "running") return;
    this.#stage.setShape(this.#preview.image.naturalWidth, this.#preview.image.naturalHeight);
    this.#preview.image.alt = `${job.name} while it is checked`;
    const word = job.frames ? `Checking, ${percent(job.progress)}` : "Checking";
    const chip = { sign: "busy", word };
    if (this.#stage.shown || this.#stage.element.dataset.state !== "picture") this.#stage.showPicture(chip);
    else this.#stage.setChip(chip);
  }

  /** @param {Job} job */
  #showDone(job) {
    if (this.#loaded === job.id) return;
    this.#loaded = job.id;
    if (job.width && job.height) this.#stage.setShape(job.width, job.height);
    this.#player.video.hidden = false;
    this.#player.load(videoAddress(job.id, "annotated.mp4"), {
      poster: videoAddress(job.id, "poster.jpg"),
      label: `${job.name} with boxes`,
      fps: USUAL_FPS,
      durationS: job.duration_s ?? 0,
    });
    this.#reader.open(videoAddress(job.id, "annotated.mp4"));
    this.#stage.showPicture(null);
    this.#stage.hideTools();
    void this.#showResult(job);
  }

  /** After the video could not be opened. */
  #reload() {
    const job = this.#job;
    if (!job) return;
    this.clear();
    this.#job = job;
    this.#showDone(job);
  }

  /** @param {Job} job */
  async #showResult(job) {
    const { signal } = (this.#abort = new AbortController());
    this.#note.hide();
    const result = await getVideoResult(job.id, signal).catch(() => null);
    if (signal.aborted) return;
    if (!result)
      return this.#note.show({
        kind: "warn",
        ...MISSING,
        action: { label: "Try again", onclick: () => void this.#showResult(job) },
      });
    this.#result = result;
    const { width, height, fps: known } = result.video;
    const fps = known || USUAL_FPS;
    const durationS = result.video.duration_s || job.duration_s || this.#player.durationS;
    const frameS = result.every / fps;
    const threshold = job.conf ?? this.#conf;
    result.tracks.sort((a, b) => a.first_s - b.first_s);
    this.#player.fps = fps;
    const lanes = lanesOf(result, frameS);
    const spans = lanes.flatMap((lane) => lane.spans);
    this.#starts = [...new Set([...result.tracks.map((track) => track.first_s), ...spans.map((span) => span.from)])];
    this.#starts.sort((a, b) => a - b);
    this.#timeline.show({ lanes, durationS, frameS, fps }, { sightings: result.tracks.length, threshold });
    this.#table.show(result.tracks, { noun: this.#noun, threshold, width, height, frameS });
    this.#timeline.element.hidden = this.#table.element.hidden = false;
    this.#at(this.#player.t);
  }

  /** @param {number} t */
  #at(t) {
    if (!this.#result) return;
    this.#timeline.at(t);
    this.#table.at(t);
  }

  /**
   * Shows the frame of a time.
   * @param {number} t  seconds
   */
  #go(t) {
    this.#player.seek(t + INTO_FRAME_S);
    this.#reveal();
  }

  /** @param {1 | -1} step */
  #toSighting(step) {
    const t = this.#player.t;
    const starts = this.#starts;
    const next = step > 0 ? starts.find((start) => start > t + 0.05) : starts.findLast((start) => start < t - 0.5);
    if (next !== undefined) this.#go(next);
  }
}

/** @param {import("./uploads.js").Upload} upload */
function uploadState({ state, mayHelp: again }) {
  if (state === "waiting") return "toSend";
  return state === "refused" && again ? "refusedNow" : state;
}

/** A line of the list as a sentence of its own. @param {string} line */
const sentence = (line) => line && `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.]$/.test(line) ? "" : "."}`;
