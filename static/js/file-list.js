// @ts-check
import { h, icon, setVar } from "./dom.js";
import { fileWords } from "./file-words.js";
import { Note } from "./note.js";

/** @typedef {import("./videos.js").VideoFile} VideoFile */
/** @typedef {import("./file-words.js").FileAction} FileAction */

const ADMIN = { "data-needs": "admin" };
/** @type {Record<FileAction, string>} */
const LABELS = {
  cancel: "Cancel",
  remove: "Remove",
  delete: "Delete",
  dismiss: "Dismiss",
  sendAgain: "Send again",
  tryAgain: "Try again",
  startAgain: "Start again",
};

/**
 * @typedef {object} Handlers
 * @property {(file: VideoFile) => void} onpick
 * @property {(action: FileAction, file: VideoFile) => void} onaction
 * @property {() => void} onclear
 * @property {(file: VideoFile) => number} ahead
 */

/** One row of the list; what a person may hold the focus on stays, its texts are renewed. */
class Row {
  /** @type {VideoFile} */
  file;
  #on;
  #name;
  #end;
  #again = h("button", { ...ADMIN, class: "btn small", type: "button", onclick: () => this.#act("again") });
  #bar = h("i");
  #meter = h("div", { class: "meter", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, this.#bar);
  #sign = h("span");
  #line = h("span");
  #problem = h("p", { class: "jerr" });
  /** @type {import("./file-words.js").Words | null} */
  #words = null;

  /**
   * @param {VideoFile} file
   * @param {Handlers} on
   */
  constructor(file, on) {
    this.file = file;
    this.#on = on;
    this.#name = h("button", { class: "jn", type: "button", title: file.name, onclick: () => on.onpick(this.file) }, file.name);
    this.#end = h("button", { ...ADMIN, class: "btn ghost icon small", type: "button", onclick: () => this.#act("end") });
    const line = h("div", { class: "jm" }, this.#sign, this.#line);
    const head = h("div", { class: "jh" }, this.#name, this.#end);
    this.element = h("li", {}, head, this.#meter, line, this.#problem, this.#again);
  }

  /**
   * @param {VideoFile} file
   * @param {boolean} selected
   */
  render(file, selected) {
    this.file = file;
    const words = (this.#words = fileWords(file, this.#on.ahead(file)));
    this.element.classList.toggle("sel", selected);
    this.element.dataset.state = file.job?.state ?? file.upload?.state;
    if (selected) this.#name.setAttribute("aria-current", "true");
    else this.#name.removeAttribute("aria-current");
    this.#sign.className = `st ${words.sign}`;
    this.#sign.textContent = words.word;
    this.#line.textContent = words.line;
    this.#problem.textContent = words.problem ?? "";
    this.#problem.hidden = !words.problem;
    this.#renderMeter(words.meter);
    this.#renderEnd(words.end);
    this.#again.hidden = !words.again;
    this.#again.textContent = words.again ? LABELS[words.again] : "";
    if (words.again) this.#again.setAttribute("aria-label", `${LABELS[words.again]}: ${file.name}`);
  }

  focus() {
    this.#name.focus();
  }

  /** @param {number | undefined} share */
  #renderMeter(share) {
    this.#meter.hidden = share === undefined;
    if (share === undefined) return;
    this.#meter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.#meter.setAttribute("aria-label", this.file.name);
    setVar(this.#bar, "--v", `${share * 100}%`);
  }

  /** @param {FileAction} action */
  #renderEnd(action) {
    const label = `${LABELS[action]} ${this.file.name}`;
    if (this.#end.getAttribute("aria-label") === label) return;
    this.#end.setAttribute("aria-label", label);
    this.#end.title = LABELS[action];
    this.#end.replaceChildren(action === "delete" ? icon("trash") : icon("x"));
  }

  /** @param {"end" | "again"} which */
  #act(which) {
    const action = this.#words?.[which];
    if (action) this.#on.onaction(action, this.file);
  }
}

/** The files of the place Video, one row each, with what can be done with them. */
export class FileList {
  note = new Note();
  #on;
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #heading = h("h2", { tabindex: -1 }, "Files");
  #count = h("span", { class: "sub" });
  #clear = h("button", { ...ADMIN, class: "btn ghost small", type: "button", onclick: () => this.#on.onclear() }, "Clear done");
  #list = h("ul", { class: "jobs", role: "list" });
  #teach = h(
    "div",
    { class: "teach" },
    h("p", {}, h("b", {}, "No files yet.")),
    h("p", {}, "Each video that you add gets one line here: how far it is, how long it takes and what was found."),
  );
  #foot = h("p", { class: "card-foot" });

  /** @param {Handlers} on */
  constructor(on) {
    this.#on = on;
    this.note.element.setAttribute("role", "group");
    this.note.element.setAttribute("aria-label", "Deleted");
    const head = h("div", { class: "card-head" }, this.#heading, this.#count, h("div", { class: "end" }, this.#clear));
    this.element = h(
      "section",
      { class: "card files", "aria-label": "Files" },
      head,
      this.#list,
      this.#teach,
      this.note.element,
      this.#foot,
    );
  }

  /**
   * @param {VideoFile[]} files
   * @param {{selected: string, kept: string}} options  key of the selected one; how long results are kept, if known
   */
  render(files, { selected, kept }) {
    const wanted = new Set(files.map((file) => file.key));
    const next = this.#nextOfLost(wanted);
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    files.forEach((file, at) => this.#place(file, at, file.key === selected));
    if (next) (this.#rows.get(next) ?? this.#heading).focus();
    this.#count.textContent = files.length ? String(files.length) : "";
    this.#clear.hidden = !files.some((file) => file.job?.state === "done");
    this.#teach.hidden = files.length > 0;
    this.#foot.textContent = kept && `Files and results are removed after ${kept}.`;
    this.#foot.hidden = !kept;
  }

  /**
   * Puts the focus on a row.
   * @param {string} key
   */
  focus(key) {
    this.#rows.get(key)?.focus();
  }

  /**
   * Where the focus goes when its row is gone: the key of the next row, "-" for the heading, "" where it stays.
   * @param {Set<string>} wanted
   */
  #nextOfLost(wanted) {
    const keys = [...this.#rows.keys()].sort((a, b) => this.#at(a) - this.#at(b));
    const lost = keys.findIndex((key) => !wanted.has(key) && this.#rows.get(key)?.element.contains(document.activeElement));
    if (lost < 0) return "";
    return keys.slice(lost).find((key) => wanted.has(key)) ?? keys.findLast((key) => wanted.has(key)) ?? "-";
  }

  /** @param {string} key */
  #at(key) {
    const element = this.#rows.get(key)?.element;
    return element ? [...this.#list.children].indexOf(element) : -1;
  }

  /**
   * @param {VideoFile} file
   * @param {number} at
   * @param {boolean} selected
   */
  #place(file, at, selected) {
    const row = this.#rows.get(file.key) ?? new Row(file, this.#on);
    this.#rows.set(file.key, row);
    row.render(file, selected);
    const there = this.#list.children[at];
    if (there === row.element) return;
    const focused = row.element.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    this.#list.insertBefore(row.element, there ?? null);
    focused?.focus(); // a moved element loses it
  }
}
