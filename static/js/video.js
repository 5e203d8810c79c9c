// @ts-check
import { ApiError } from "./api.js";
import { h, icon } from "./dom.js";
import { DropZone } from "./drop-zone.js";
import { FileList } from "./file-list.js";
import { facts, fileWords, foundIn } from "./file-words.js";
import { bytes, countOf, percent, roughly } from "./format.js";
import { kindOf, VIDEO_ACCEPT } from "./media-kind.js";
import { Note } from "./note.js";
import { LOOKING, MAY_LOOK, mayChange } from "./rights.js";
import { VIDEO_STATES } from "./states.js";
import { Undo } from "./undo.js";
import { VideoScreen } from "./video-screen.js";
import { Videos } from "./videos.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./videos.js").VideoFile} VideoFile */
/** @typedef {import("./file-words.js").FileAction} FileAction */

const DAY_S = 86_400;
const TOLD_AT = [0.25, 0.5, 0.75, 1]; // of an upload

/** The place Video: files on their way, being checked, and checked ones with their player, timeline and table. */
export class VideoPlace {
  #announcer;
  #handOver;
  #noun;
  #mayAdd;
  #videos;
  #screen;
  #drop;
  #list;
  #trouble = new Note();
  #undo;
  #title = h("h1", { tabindex: -1 }, "Video");
  #sub = h("p", { class: "sub" });
  #downloads = h("div", { class: "end", hidden: true });
  #takes = "";
  #open = false;
  /** The row that is shown, and the video that the address names. */
  #selected = "";
  #named = "";
  #at = 0;
  /** What was last announced of each file. @type {Map<string, string>} */
  #told = new Map();

  /**
   * @param {object} page
   * @param {import("./types.js").Info} page.info
   * @param {import("./announcer.js").Announcer} page.announcer
   * @param {import("./events.js").ServerEvents} page.events
   * @param {(place: string, files: File[]) => boolean} page.handOver
   */
  constructor({ info, announcer, events, handOver }) {
    this.#announcer = announcer;
    this.#handOver = handOver;
    this.#noun = info.model.classes.length === 1 ? info.model.classes[0] : "object";
    this.#videos = new Videos(events, (upload, job) => {
      if (this.#selected === upload.key) this.#name(job.id);
    });
    this.#mayAdd = mayChange(info);
    this.#screen = new VideoScreen({
      noun: this.#noun,
      conf: info.model.conf,
      states: this.#mayAdd ? VIDEO_STATES : { ...VIDEO_STATES, empty: LOOKING.video },
      onaction: (action) => this.#act(action),
    });
    this.#drop = new DropZone({
      accept: VIDEO_ACCEPT,
      heading: "Drop videos here",
      line: "MP4, MOV, MKV, WebM, AVI",
      choose: "Choose files",
      needs: "admin",
      onfiles: (files) => this.take(files),
    });
    this.#list = new FileList({
      onpick: (file) => this.#pick(file),
      onaction: (action, file) => void this.#change(action, file),
      onclear: () => this.#delete(this.#videos.files.filter((file) => file.job?.state === "done")),
      ahead: (file) => (file.job ? this.#videos.ahead(file.job) : 0),
    });
    this.#undo = new Undo({
      onwait: (ids) => this.#wait(ids),
      onundo: (ids) => this.#takeBack(ids),
      ondelete: (ids) => void this.#send(ids),
    });
    this.element = this.#build();
    this.#videos.addEventListener("change", () => this.#render());
    this.#render();
  }

  #build() {
    const head = h("div", { class: "head" }, h("div", { class: "titles" }, this.#title, this.#sub), this.#downloads);
    const column = h(
      "section",
      { class: "col", "aria-label": "The video" },
      head,
      this.#trouble.element,
      ...this.#screen.elements,
    );
    const rail = h("aside", { class: "col", "aria-label": "Files" }, this.#drop.element, this.#list.element);
    return h("div", { class: "page rail video-page" }, column, rail);
  }

  /**
   * Called when the place is shown, and when the address names another video.
   * @param {string} id
   */
  open(id) {
    if (!this.#open) this.#drop.open();
    this.#open = true;
    this.#named = id;
    if (id) this.#selected = this.#videos.files.find(({ job }) => job?.id === id)?.key ?? "";
    else this.#name(this.#current()?.job?.id ?? "");
    if (this.#videos.state !== "loaded") void this.#videos.load();
    this.#render();
  }

  /** Called when the place is left: uploads go on, pictures do not. */
  close() {
    this.#open = false;
    this.#drop.close();
    this.#undo.flush();
    this.#screen.clear();
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    return this.#screen.keys();
  }

  /**
   * Adds videos; pictures go to their own place.
   * @param {File[]} files
   */
  take(files) {
    if (!this.#mayAdd) return this.#refuse("Not added.", MAY_LOOK);
    const pictures = files.filter((file) => kindOf(file) === "picture");
    const handed = pictures.length > 0 && this.#handOver("picture", pictures);
    const taken = handed ? files.filter((file) => !pictures.includes(file)) : files;
    if (!taken.length) return;
    const busy = this.#screen.playing || ["queued", "running", "uploading"].includes(this.#stateOf(this.#current()));
    const [first] = this.#videos.add(taken);
    if (busy) return;
    this.#selected = first.key;
    this.#name("");
    this.#render();
  }

  #current() {
    return this.#videos.files.find((file) => file.key === this.#selected);
  }

  /** @param {VideoFile | undefined} file */
  #stateOf(file) {
    return file?.job?.state ?? file?.upload?.state ?? "";
  }

  /**
   * Writes the video that is shown into the address, without a step to go back to.
   * @param {string} id
   */
  #name(id) {
    this.#named = id;
    const address = id ? `#/video/${id}` : "#/video";
    if (this.#open && location.hash !== address) history.replaceState(null, "", address);
  }

  /** @param {VideoFile} file */
  #pick(file) {
    this.#selected = file.key;
    const address = file.job ? `#/video/${file.job.id}` : "#/video";
    this.#named = file.job?.id ?? "";
    if (location.hash === address) this.#render();
    else location.hash = address; // a step that "back" undoes
    const { top } = this.#title.getBoundingClientRect();
    if (top < 0) this.#title.scrollIntoView({ block: "start" }); // the list stands below the video on a phone
  }

  #render() {
    const files = this.#videos.files;
    this.#choose(files);
    const file = files.find((one) => one.key === this.#selected);
    const { max_bytes, max_duration_s } = this.#videos.limits;
    if (Number.isFinite(max_bytes))
      this.#takes =
        this.#drop.line = `MP4, MOV, MKV, WebM, AVI · up\u00a0to ${unbroken(bytes(max_bytes))} and ${unbroken(roughly(max_duration_s))}`;
    this.#list.render(files, { selected: this.#selected, kept: kept(files) });
    files.forEach((one) => this.#tell(one));
    if (!this.#open) return;
    const empty = this.#emptyState(files);
    this.#renderHead(file);
    if (!file && empty === "empty") this.#sub.textContent = this.#takes;
    this.element.toggleAttribute("data-empty", empty === "empty");
    if (file) this.#screen.show(file, fileWords(file, file.job ? this.#videos.ahead(file.job) : 0));
    else this.#screen.showEmpty(empty);
  }

  /**
   * Keeps a row selected: the one that the address names, else the one that was, else the next to it.
   * @param {VideoFile[]} files
   */
  #choose(files) {
    const named = files.find(({ job }) => job && job.id === this.#named);
    if (named) this.#selected = named.key;
    else if (this.#named && !this.#selected) return; // not there yet, or gone
    const at = files.findIndex((file) => file.key === this.#selected);
    if (at >= 0) this.#at = at;
    else if (files.length && this.#videos.state === "loaded") {
      const next = files[Math.min(this.#at, files.length - 1)];
      this.#selected = next.key;
      this.#name(next.job?.id ?? "");
    } else if (!files.length && this.#selected) {
      this.#selected = "";
      this.#name("");
    }
  }

  /** @param {VideoFile[]} files */
  #emptyState(files) {
    const { state } = this.#videos;
    if (state === "loading") return "opening";
    if (state !== "loaded") return state;
    return this.#named || files.length ? "gone" : "empty";
  }

  /** @param {VideoFile | undefined} file */
  #renderHead(file) {
    this.#title.textContent = file?.name ?? "Video";
    this.#sub.textContent = file?.job ? facts(file.job) : file?.upload ? bytes(file.upload.size) : "";
    const results = file?.job?.results;
    this.#downloads.hidden = !results;
    if (!results || this.#downloads.dataset.of === file.job?.id) return;
    this.#downloads.dataset.of = file.job?.id;
    this.#downloads.replaceChildren(
      download(results.json, "JSON", "Save detections as JSON"),
      download(results.csv, "CSV", "Save detections as CSV"),
      download(results.annotated, "Video", "Save video with boxes"),
    );
    this.#downloads.lastElementChild?.classList.add("primary");
  }

  /**
   * Says what becomes of a file, once.
   * @param {VideoFile} file
   */
  #tell({ key, name, job, upload }) {
    const sent = upload?.state === "uploading" ? TOLD_AT.findLast((share) => upload.progress >= share) : undefined;
    const now = job?.state ?? (sent ? percent(sent) : (upload?.state ?? ""));
    const before = this.#told.get(key);
    if (before === now) return;
    this.#told.set(key, now);
    if (before === undefined && !sent) return; // the list as it was found
    if (job?.state === "done") this.#announcer.polite(`${name}: Done, ${foundIn(job).toLowerCase()}`);
    else if (job?.state === "failed") this.#announcer.assertive(`${name}: Failed. ${job.error ?? ""}`);
    else if (job?.state === "running") this.#announcer.polite(`${name}: Checking`);
    else if (sent) this.#announcer.polite(`${name}: ${percent(sent).replace(" %", " percent")} sent`);
    else if (upload?.state === "broken") this.#announcer.assertive(`${name}: Upload stopped`);
    else if (upload?.state === "refused") this.#announcer.assertive(`Not added. ${upload.problem}`);
  }

  /**
   * What the stage's buttons do.
   * @param {string} action
   */
  #act(action) {
    const file = this.#current();
    if (action === "chooseFiles") this.#drop.choose();
    else if (action === "now") void this.#videos.load();
    else if (action === "signIn") location.reload();
    else if (file && ["checkAgain", "restartVideo", "sendAgain"].includes(action)) void this.#change("tryAgain", file);
    else if (file && ["cancel", "cancelVideo"].includes(action)) void this.#change("cancel", file);
    else if (file && action === "remove") void this.#change(action, file);
  }

  /**
   * @param {FileAction} action
   * @param {VideoFile} file
   */
  async #change(action, file) {
    this.#trouble.hide();
    try {
      if (action === "cancel") await this.#videos.cancel(file);
      else if (action === "dismiss" && file.upload) this.#videos.dismiss(file.upload);
      else if (action === "delete" || action === "remove") this.#delete([file]);
      else await this.#videos.again(file);
    } catch (error) {
      this.#complain(`${file.name} stays as it is.`, error);
    }
  }

  /**
   * @param {string} heading
   * @param {unknown} error
   */
  #complain(heading, error) {
    this.#refuse(heading, error instanceof ApiError ? error.message : "The server does not answer.");
  }

  /**
   * @param {string} heading
   * @param {string} text
   */
  #refuse(heading, text) {
    this.#trouble.show({ kind: "bad", heading, text, closes: true });
    this.#announcer.assertive(`${heading} ${text}`);
  }

  /** @param {VideoFile[]} files */
  #delete(files) {
    const ids = files.flatMap(({ job }) => (job ? [job.id] : []));
    if (ids.length) this.#undo.delete(ids);
  }

  /** @param {string[]} ids */
  #wait(ids) {
    if (ids.includes(this.#named)) this.#name("");
    this.#videos.hide(ids);
    const text = ids.length > 1 ? `${countOf(ids.length, "file")} deleted.` : "Deleted.";
    this.#list.note.show({ kind: "plain", text, action: { label: "Undo", onclick: () => this.#undo.undo() } });
    this.#announcer.polite(`${text} Undo is below the files.`);
  }

  /** @param {string[]} ids */
  #takeBack(ids) {
    this.#list.note.hide();
    this.#videos.unhide(ids);
    const file = this.#videos.files.find(({ job }) => job?.id === ids[0]);
    if (!file) return;
    this.#selected = file.key;
    this.#name(ids[0]);
    this.#render();
    this.#list.focus(file.key);
    this.#announcer.polite("Taken back");
  }

  /** @param {string[]} ids */
  async #send(ids) {
    this.#list.note.hide();
    try {
      await this.#videos.delete(ids);
    } catch (error) {
      this.#complain("Not deleted.", error);
    }
  }
}

/** @param {string} text */
const unbroken = (text) => text.replaceAll(" ", "\u00a0");

/**
 * @param {string} href
 * @param {string} word
 * @param {string} label
 */
const download = (href, word, label) =>
  h("a", { class: "btn", href: `${href}?download=1`, download: true, "aria-label": label }, icon("save"), word);

/**
 * How long the server keeps results, read from one that it has; "" while there is none.
 * @param {VideoFile[]} files
 */
function kept(files) {
  const job = files.find((file) => file.job?.expires_at && file.job.finished_at)?.job;
  if (!job?.expires_at || !job.finished_at) return "";
  const seconds = (Date.parse(job.expires_at) - Date.parse(job.finished_at)) / 1000;
  return seconds >= DAY_S ? countOf(Math.round(seconds / DAY_S), "day") : roughly(seconds);
}
