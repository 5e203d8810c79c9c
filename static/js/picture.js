// @ts-check
import { ClassPicker } from "./class-picker.js";
import { confirmOn, copyOn, saveBlob } from "./clipboard.js";
import { ConfidenceSlider } from "./confidence.js";
import { CurlCard } from "./curl.js";
import { h, icon } from "./dom.js";
import { DropZone } from "./drop-zone.js";
import { Film } from "./film.js";
import { bytes, countOf, ms, percent } from "./format.js";
import { Found } from "./found.js";
import { kindOf } from "./media-kind.js";
import { Note } from "./note.js";
import { PictureQueue } from "./picture-check.js";
import { annotated, PictureView } from "./picture-view.js";
import { Stage, tool } from "./stage.js";
import { PICTURE_STATES } from "./states.js";

/** @typedef {import("./picture-check.js").Picture} Shot */

/** The place Picture: one picture checked, its boxes filtered in the page. */
export class PicturePlace {
  #announcer;
  #handOver;
  #noun;
  #view = new PictureView();
  #boxes = tool("boxes", { label: "Boxes", pressed: true, onclick: () => this.toggleBoxes() });
  #stage;
  #drop;
  #queue;
  #confidence;
  #classes;
  #film = new Film((picture) => this.#pick(picture));
  #found = new Found(() => this.#confidence.focus());
  #trouble = new Note();
  #curl;
  #title = h("h1", { tabindex: -1 }, "Picture");
  #sub = h("p", { class: "sub" });
  #downloads = this.#buildDownloads();
  #controls;
  /** @type {Shot | null} */
  #current = null;
  /** @type {File | null} */
  #refused = null;
  #details = "";

  /**
   * @param {object} page
   * @param {import("./types.js").Info} page.info
   * @param {import("./announcer.js").Announcer} page.announcer
   * @param {(place: string, files: File[]) => boolean} page.handOver
   */
  constructor({ info, announcer, handOver }) {
    this.#handOver = handOver;
    const limit = info.limits.picture_bytes;
    this.#announcer = announcer;
    this.#noun = info.model.classes.length === 1 ? info.model.classes[0] : "object";
    const tools = [this.#boxes, tool("expand", { label: "Full screen", onclick: () => this.fullScreen() })];
    this.#stage = new Stage({
      states: PICTURE_STATES,
      media: [this.#view.element],
      tools,
      onaction: (action, button) => this.#act(action, button),
    });
    this.#drop = new DropZone({
      accept: "image/*",
      heading: "Drop or paste a picture",
      line: `JPEG, PNG, WebP, TIFF, BMP · up to ${bytes(limit)}`,
      choose: "Choose a picture",
      onfiles: (files) => this.take(files),
    });
    this.#confidence = new ConfidenceSlider(info.model.conf, () => this.#filter());
    this.#classes = new ClassPicker(info.model.classes, () => this.#filter());
    this.#controls = h("div", { class: "card controls two" }, this.#confidence.element, this.#classes.element);
    this.#curl = new CurlCard(Boolean(info.auth?.required));
    this.#queue = new PictureQueue({ limit, on: this.#handlers() });
    this.element = this.#build();
    this.#show("empty");
  }

  #build() {
    const head = h("div", { class: "head" }, h("div", {}, this.#title, this.#sub), this.#downloads);
    const column = h(
      "section",
      { class: "col", "aria-label": "The picture" },
      head,
      this.#stage.element,
      this.#trouble.element,
      this.#controls,
      this.#film.element,
    );
    const rail = h(
      "aside",
      { class: "col", "aria-label": "Result" },
      this.#drop.element,
      this.#found.element,
      this.#curl.element,
    );
    return h("div", { class: "page rail picture-page" }, column, rail);
  }

  #buildDownloads() {
    const copy = h(
      "button",
      { class: "btn", type: "button", onclick: () => this.#copy(copy) },
      icon("copy"),
      h("span", { class: "word" }, "Copy"),
    );
    copy.hidden = typeof ClipboardItem === "undefined" || !navigator.clipboard?.write;
    return h(
      "div",
      { class: "end", hidden: true },
      copy,
      h(
        "button",
        { class: "btn", type: "button", "aria-label": "Save JSON", onclick: () => this.#saveJson() },
        icon("save"),
        "JSON",
      ),
      h(
        "button",
        { class: "btn primary", type: "button", "aria-label": "Save picture with boxes", onclick: () => this.savePicture() },
        icon("save"),
        "Picture",
      ),
    );
  }

  /** Called when the place is shown. */
  open() {
    this.#drop.open();
    this.#view.open();
  }

  /** Called when the place is left. */
  close() {
    this.#drop.close();
    this.#view.close();
  }

  /**
   * Checks pictures; videos go to their own place.
   * @param {File[]} files
   */
  take(files) {
    const videos = files.filter((file) => kindOf(file) === "video");
    const handed = videos.length > 0 && this.#handOver("video", videos);
    void this.#queue.add(handed ? files.filter((file) => !videos.includes(file)) : files);
  }

  #handlers() {
    return {
      onstate: (/** @type {string} */ state, /** @type {Record<string, unknown>} */ values) => this.#show(state, values),
      onpreview: (/** @type {HTMLImageElement | null} */ image) => {
        if (image) this.#preview(image);
        else this.#view.clear();
      },
      ondone: (/** @type {Shot} */ picture) => {
        this.#film.add(picture);
        this.#pick(picture);
        this.#announcer.polite(`${picture.name}: ${this.#summary(this.#resultsOf(picture).length)}`);
      },
      onrefused: (/** @type {string} */ state, /** @type {Record<string, unknown>} */ values) => {
        this.#refused = /** @type {File} */ (values.file);
        this.#details = JSON.stringify(
          { state, name: values.name, detail: values.detail, requestId: values.requestId },
          null,
          2,
        );
        this.#view.clear();
        this.#show(state, values);
        this.#announcer.assertive(this.#stage.element.querySelector(".empty")?.querySelector("p")?.textContent ?? "");
      },
    };
  }

  /**
   * @param {string} action
   * @param {HTMLElement} button
   */
  #act(action, button) {
    const acts = {
      choose: () => this.#drop.choose(),
      chooseOther: () => this.#drop.choose(),
      cancel: () => this.#cancel(),
      now: () => this.#queue.hurry(),
      again: () => void (this.#refused && this.#queue.add([this.#refused])),
      signIn: () => location.reload(),
      copyDetails: () => void copyOn(button, this.#details),
    };
    acts[/** @type {keyof typeof acts} */ (action)]?.();
  }

  #cancel() {
    this.#queue.cancel();
    if (this.#current) this.#pick(this.#current);
    else this.#show("empty");
  }

  /**
   * @param {string} state
   * @param {Record<string, unknown>} [values]
   */
  #show(state, values = {}) {
    this.#stage.show(state, values);
    this.#trouble.hide();
    this.#downloads.hidden = true;
    this.#found.element.hidden = true;
    this.#controls.hidden = !this.#current;
    this.element.toggleAttribute("data-empty", state === "empty");
    this.#title.textContent = state === "empty" ? "Picture" : String(values.name ?? "Picture");
    this.#sub.textContent = "";
  }

  /** @param {HTMLImageElement} image */
  #preview(image) {
    const { naturalWidth: width, naturalHeight: height } = image;
    this.#stage.setShape(width, height);
    this.#view.show({ image, width, height }, []);
  }

  /** @param {Shot} picture */
  #pick(picture) {
    this.#current = picture;
    this.#trouble.hide();
    this.element.removeAttribute("data-empty");
    this.#stage.setShape(picture.width, picture.height);
    this.#title.textContent = picture.name;
    this.#sub.textContent = `${picture.width}×${picture.height} · ${bytes(picture.file.size)} · checked in ${ms(picture.tookMs)}`;
    this.#downloads.hidden = this.#found.element.hidden = this.#controls.hidden = false;
    this.#curl.show(picture.file.name);
    this.#render();
  }

  /** @param {Shot} picture */
  #resultsOf(picture) {
    return picture.answer.images[0].results
      .filter((result) => result.confidence >= this.#confidence.value && this.#classes.has(result.class))
      .sort((a, b) => b.confidence - a.confidence);
  }

  /** @param {number} count */
  #summary(count) {
    return count ? countOf(count, this.#noun) : `No ${this.#noun} found at ${percent(this.#confidence.value)}`;
  }

  /** What is shown may be the state of another file: that one stays, only the counts of the film follow. */
  #filter() {
    if (this.#stage.shown === null) this.#render();
    else this.#renderFilm();
  }

  #renderFilm() {
    this.#film.render(this.#current, (picture) => this.#resultsOf(picture).length);
  }

  #render() {
    this.#renderFilm();
    if (!this.#current) return;
    const results = this.#resultsOf(this.#current);
    this.#view.show(this.#current, results);
    this.#current.image.alt = `${this.#current.name}, ${this.#summary(results.length)}`;
    this.#found.show(this.#current, { results, threshold: this.#confidence.value, noun: this.#noun });
    this.#stage.showPicture({ sign: results.length ? "mark" : "off", word: this.#summary(results.length) });
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
    this.#view.boxes = !this.#view.boxes;
    this.#boxes.setAttribute("aria-pressed", String(this.#view.boxes));
  }

  /** Fills the screen with the picture, or gives it back. */
  fullScreen() {
    if (!this.#stage.shown) void this.#stage.toggleFullScreen();
  }

  /** Saves the picture with the boxes that are shown. */
  async savePicture() {
    if (!this.#current || this.#stage.shown !== null) return;
    const { name } = this.#current;
    try {
      saveBlob(await annotated(this.#current, this.#resultsOf(this.#current)), `${stem(name)}-boxes.png`);
    } catch (error) {
      this.#complain(`${name} was not saved.`, error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * @param {string} heading
   * @param {string} text
   */
  #complain(heading, text) {
    this.#trouble.show({ kind: "bad", heading, text, closes: true });
    this.#announcer.assertive(`${heading} ${text}`);
  }

  #saveJson() {
    if (!this.#current) return;
    const {
      images: [image],
      metadata,
    } = this.#current.answer;
    const shown = { images: [{ ...image, results: this.#resultsOf(this.#current) }], metadata };
    saveBlob(new Blob([JSON.stringify(shown, null, 2)], { type: "application/json" }), `${stem(this.#current.name)}.json`);
  }

  /** @param {HTMLElement} button */
  async #copy(button) {
    if (!this.#current) return;
    const png = annotated(this.#current, this.#resultsOf(this.#current));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]).then(
      () => confirmOn(button, "Copied"),
      () => confirmOn(button, "Not allowed"),
    );
  }
}

/** @param {string} name */
const stem = (name) => name.replace(/\.\w+$/, "").replace(/\s+/g, "-");
