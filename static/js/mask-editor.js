// @ts-check
import { ApiError, saveCamera, streamAddress } from "./api.js";
import { openForm } from "./dialog.js";
import { h, icon } from "./dom.js";
import { MaskList } from "./mask-list.js";
import { MaskRegions } from "./mask-regions.js";
import { MaskSurface } from "./mask-surface.js";

/** @typedef {import("./types.js").Camera} Camera */

const HELP =
  "Click corner after corner and press Enter to close. Tab walks the corners: " +
  "arrows move one by 1 %, with Shift by 5 %, Insert adds one after it, Delete removes it.";

/** Draws on a picture of a camera where objects count and where they do not. */
export class MaskDialog {
  #camera;
  #onsaved;
  #mask;
  #dialog;
  #problem = h("p", { class: "err", role: "alert" });
  #undo = this.#button("Undo", () => this.#mask.undo());
  #redo = this.#button("Redo", () => this.#mask.redo());
  #close = this.#button("Close the region", () => this.#mask.close());
  #save = h("button", { class: "btn primary", type: "button", onclick: () => void this.#send() }, "Save mask");
  #kinds;

  /** @param {{camera: Camera, onsaved: (camera: Camera) => void}} options */
  constructor({ camera, onsaved }) {
    this.#camera = camera;
    this.#onsaved = onsaved;
    this.#mask = new MaskRegions(camera.mask);
    const { width, height, id, name } = camera;
    const image = h("img", { src: `${streamAddress(id, "snapshot.jpg")}?n=${Date.now()}`, alt: `Newest picture of ${name}` });
    const surface = new MaskSurface(this.#mask, { width: width ?? 16, height: height ?? 9, image });
    this.#kinds = h("div", { class: "seg", role: "group", "aria-label": "New regions" }, this.#kind("ignore"), this.#kind("watch"));
    const add = this.#button("Add a region", () => this.#mask.add());
    add.prepend(icon("plus", "s"));
    const tools = h("div", { class: "row masktools" }, this.#kinds, add, this.#close, this.#undo, this.#redo);
    const side = h("div", { class: "maskside" }, new MaskList(this.#mask).element, this.#problem, this.#save);
    const left = h("div", { class: "col" }, surface.element, tools, h("p", { class: "hint" }, HELP));
    this.#dialog = openForm(`Mask of ${name}`, left, side);
    this.#dialog.classList.add("mask");
    this.#dialog.addEventListener("cancel", (event) => this.#escape(event));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#mask.addEventListener("change", () => this.#render());
    this.#render();
    surface.element.focus();
  }

  /**
   * @param {string} word
   * @param {() => void} onclick
   */
  #button(word, onclick) {
    return h("button", { class: "btn", type: "button", onclick }, word);
  }

  /** @param {"ignore" | "watch"} kind */
  #kind(kind) {
    const onclick = () => {
      this.#mask.kind = kind;
      this.#render();
    };
    return h("button", { type: "button", "data-kind": kind, onclick }, kind === "ignore" ? "Ignore" : "Watch");
  }

  #render() {
    this.#undo.disabled = !this.#mask.canUndo;
    this.#redo.disabled = !this.#mask.canRedo;
    this.#close.disabled = (this.#mask.open?.length ?? 0) < 3;
    for (const button of /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#kinds.children))
      button.setAttribute("aria-pressed", String(button.dataset.kind === this.#mask.kind));
  }

  /** Escape gives up what is being drawn before it closes the dialog. @param {Event} event */
  #escape(event) {
    if (!this.#mask.open) return;
    event.preventDefault();
    this.#mask.giveUp();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target instanceof HTMLInputElement) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.#mask.undo();
    else if (key === "y" || key === "z") this.#mask.redo();
    else return;
    event.preventDefault();
  }

  async #send() {
    this.#mask.close();
    this.#save.disabled = true;
    this.#problem.textContent = "";
    try {
      const saved = await saveCamera(this.#camera.id, { mask: this.#mask.regions });
      this.#dialog.close();
      this.#onsaved(saved);
    } catch (error) {
      this.#problem.textContent = error instanceof ApiError ? error.message : "The server does not answer. Nothing was saved.";
    } finally {
      this.#save.disabled = false;
    }
  }
}
