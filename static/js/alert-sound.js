// @ts-check
import { h } from "./dom.js";
import { keep, recall } from "./kept.js";

const KEY = "sightline.sound";
const TONES = [660, 880, 660]; // Hz
const TONE_S = 0.16;

/** Three short tones for a new alert; off until a person wants them. */
export class AlertSound {
  #on = recall(KEY) === "on";
  /** @type {AudioContext | null} */
  #context = null;

  get on() {
    return this.#on;
  }

  set on(value) {
    this.#on = value;
    keep(KEY, value ? "on" : "off");
  }

  /** Sounds where it is wanted. */
  play() {
    if (this.#on) void this.test();
  }

  /** Sounds. */
  async test() {
    const context = (this.#context ??= new AudioContext());
    await context.resume();
    const volume = context.createGain();
    volume.gain.value = 0.15;
    volume.connect(context.destination);
    TONES.forEach((frequency, at) => {
      const tone = context.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(volume);
      tone.start(context.currentTime + at * TONE_S * 1.4);
      tone.stop(context.currentTime + at * TONE_S * 1.4 + TONE_S);
    });
  }

  /** The choice, with a button to hear it. */
  control() {
    const onchange = () => {
      this.on = box.checked;
    };
    const box = h("input", { type: "checkbox", checked: this.#on, onchange });
    return h(
      "div",
      { class: "row middle" },
      h("label", { class: "check" }, box, "Sound on new alert"),
      h("button", { class: "btn small", type: "button", onclick: () => this.test() }, "Test sound"),
    );
  }
}
