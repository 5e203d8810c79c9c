// @ts-check
import { h, icon } from "./dom.js";

/** Takes files: by a button, by paste anywhere on the place, and by drop on the whole window. */
export class DropZone {
  #onfiles;
  #input;
  #line = document.createTextNode("");
  #over = h("div", { class: "drop-over", hidden: true }, "Drop to check");
  #depth = 0;

  /**
   * @param {object} options
   * @param {string} options.accept  what the browser's file chooser offers
   * @param {string} options.heading
   * @param {string} options.line  what may come, and how large it may be
   * @param {string} options.choose  on the button
   * @param {"admin"} [options.needs]  the right that a key has to have for it
   * @param {(files: File[]) => void} options.onfiles
   */
  constructor({ accept, heading, line, choose: word, needs, onfiles }) {
    this.#onfiles = onfiles;
    this.line = line;
    this.#input = h("input", {
      type: "file",
      accept,
      multiple: true,
      class: "vh",
      tabindex: -1,
      "aria-label": word,
      onchange: () => this.#chosen(),
    });
    const choose = h("button", { class: "btn small", type: "button", onclick: () => this.choose() }, word);
    this.element = h(
      "div",
      { class: "drop", "data-needs": needs },
      icon("upload"),
      h("p", {}, h("b", {}, heading), this.#line),
      this.#input,
      choose,
    );
  }

  /** @param {string} text  what may come, and how large it may be */
  set line(text) {
    this.#line.data = text;
  }

  /** Opens the browser's file chooser. */
  choose() {
    this.#input.click();
  }

  open() {
    document.body.append(this.#over);
    for (const [name, listener] of this.#listeners) addEventListener(name, listener);
  }

  close() {
    this.#over.remove();
    for (const [name, listener] of this.#listeners) removeEventListener(name, listener);
  }

  /** @type {[string, (event: any) => void][]} */
  #listeners = [
    ["dragenter", (event) => this.#drag(event, 1)],
    ["dragleave", (event) => this.#drag(event, -1)],
    ["dragover", (event) => hasFiles(event) && event.preventDefault()],
    ["drop", (event) => this.#drop(event)],
    ["paste", (event) => this.#paste(event)],
  ];

  /**
   * @param {DragEvent} event
   * @param {number} step  the pointer crosses from child to child: only the sum says whether it is inside
   */
  #drag(event, step) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#depth += step;
    this.#over.hidden = this.#depth <= 0;
  }

  /** @param {DragEvent} event */
  #drop(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#depth = 0;
    this.#over.hidden = true;
    this.#take([...(event.dataTransfer?.files ?? [])]);
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    const time = new Date().toTimeString().slice(0, 5);
    this.#take(
      files.map((file) => (/^image\.\w+$/.test(file.name) ? new File([file], `pasted ${time}`, { type: file.type }) : file)),
    );
  }

  #chosen() {
    this.#take([...(this.#input.files ?? [])]);
    this.#input.value = "";
  }

  /** @param {File[]} files */
  #take(files) {
    if (files.length) this.#onfiles(files);
  }
}

/** @param {DragEvent} event */
const hasFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));
