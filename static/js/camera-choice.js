// @ts-check
import { h, icon } from "./dom.js";
import { listCameras } from "./camera.js";
import { keep, recall } from "./kept.js";

const KEY = "sightline.camera";
const SAMPLE = "sample";

/** Which camera: a list that follows what is plugged in, and the sample clip. */
export class CameraChoice {
  #select;
  #onplugged;
  #known = -1;

  /**
   * @param {object} options
   * @param {(deviceId: string) => void} options.onchange
   * @param {() => void} options.onplugged  a camera has appeared
   */
  constructor({ onchange, onplugged }) {
    this.#onplugged = onplugged;
    this.#select = h("select", {
      id: "camera",
      onchange: () => {
        if (!this.isSample) keep(KEY, this.#select.value);
        onchange(this.#select.value);
      },
    });
    this.#offer([]); // the sample clip can be chosen before the list of cameras is there
    this.element = h(
      "div",
      { class: "field cam" },
      h("label", { class: "label", for: "camera" }, "Camera"),
      h("div", { class: "select" }, this.#select, icon("down", "s")),
    );
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.refresh());
  }

  /** The id of the chosen camera; "" is the browser's choice. */
  get deviceId() {
    return this.#select.value === SAMPLE ? "" : this.#select.value;
  }

  get isSample() {
    return this.#select.value === SAMPLE;
  }

  /** @param {boolean} on */
  set isSample(on) {
    if (on) this.#select.value = SAMPLE;
    else if (this.isSample) this.#chooseCamera();
  }

  /** The one that was chosen last, else the first. */
  #chooseCamera() {
    this.#select.selectedIndex = 0;
    this.#choose(this.#kept);
  }

  /** The camera that was chosen last, "" for none. */
  get #kept() {
    return recall(KEY) ?? "";
  }

  /** @param {string} deviceId  one that is not there changes nothing */
  #choose(deviceId) {
    if ([...this.#select.options].some((option) => option.value === deviceId)) this.#select.value = deviceId;
  }

  /**
   * Reads the list of cameras anew.
   * @param {string} [current]  the id of the one in use
   */
  async refresh(current) {
    const cameras = await listCameras();
    const chosen = current ?? (this.#select.value || this.#kept);
    const options = cameras
      .filter((camera) => camera.deviceId)
      .map((camera, at) => h("option", { value: camera.deviceId }, camera.label || `Camera ${at + 1}`));
    this.#offer(options);
    this.#choose(chosen);
    if (this.#known >= 0 && cameras.length > this.#known) this.#onplugged();
    this.#known = cameras.length;
  }

  /** @param {HTMLOptionElement[]} cameras */
  #offer(cameras) {
    const some = cameras.length ? cameras : [h("option", { value: "" }, "Default camera")];
    this.#select.replaceChildren(...some, h("option", { value: SAMPLE }, "Sample clip"));
  }

  focus() {
    this.#select.focus();
  }
}
