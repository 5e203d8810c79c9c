// @ts-check
import { CameraActions } from "./camera-actions.js";
import { CameraForm } from "./camera-form.js";
import { CameraGrid } from "./camera-grid.js";
import { CAMERAS_STATES } from "./camera-states.js";
import { CameraStore } from "./camera-store.js";
import { CameraView } from "./camera-view.js";
import { h } from "./dom.js";
import { Note } from "./note.js";
import { LOOKING, mayChange } from "./rights.js";

/** @typedef {import("./types.js").Camera} Camera */

/** The place Cameras: all of them side by side, or one of them large. */
export class CamerasPlace {
  #info;
  #store;
  #alerts;
  #announcer;
  #actions;
  #note = new Note();
  #grid;
  #view;
  #open = false;
  #id = "";
  #timer = 0;

  /**
   * @param {object} page
   * @param {import("./health.js").Health} page.health
   * @param {import("./types.js").Info} page.info
   * @param {import("./announcer.js").Announcer} page.announcer
   * @param {import("./events.js").ServerEvents} page.events
   * @param {import("./alert-watch.js").AlertWatch | null} page.alerts
   */
  constructor({ health, info, announcer, events, alerts }) {
    this.#info = info;
    this.#announcer = announcer;
    this.#store = new CameraStore(events);
    this.#alerts = alerts?.store ?? null;
    this.#actions = new CameraActions({ store: this.#store, note: this.#note, announcer });
    const onaction = (/** @type {string} */ action, /** @type {Camera | null} */ camera) => this.#act(action, camera);
    const states = mayChange(info) ? CAMERAS_STATES : { ...CAMERAS_STATES, none: LOOKING.cameras };
    this.#grid = new CameraGrid({ store: this.#store, alerts: this.#alerts, states, onaction });
    const iceServers = () => (health.info ?? info).iceServers;
    this.#view = new CameraView({ store: this.#store, alerts: this.#alerts, info, iceServers, announcer, onaction });
    this.#note.element.setAttribute("role", "status");
    this.element = h("div", { class: "page camp" }, this.#note.element, this.#grid.element, this.#view.element);
    const render = () => this.#render();
    this.#store.addEventListener("change", render);
    this.#store.addEventListener("ages", render);
    this.#alerts?.addEventListener("change", render);
  }

  /**
   * Called when the place is shown, and when the address names another camera.
   * @param {string} id
   */
  open(id) {
    const before = this.#id;
    const again = this.#open;
    this.#id = id;
    if (!this.#open) this.#timer = setInterval(() => !document.hidden && this.#render(), 1000);
    this.#open = true;
    if (this.#store.state === "unreachable") void this.#store.load();
    if (id) this.#grid.stop(); // snapshots pause while one plays
    this.#render();
    if (id) this.#view.open(id);
    else this.#view.close();
    if (!again) return;
    if (id) this.#view.focus();
    else this.#grid.focus(before);
  }

  /** Called when the place is left: nothing is asked for that is not seen. */
  close() {
    this.#open = false;
    clearInterval(this.#timer);
    this.#grid.stop();
    this.#view.close();
  }

  #render() {
    if (!this.#open) return;
    this.#grid.element.hidden = this.#id !== "";
    this.#view.element.hidden = this.#id === "";
    if (this.#id) this.#view.render();
    else this.#grid.render();
  }

  /**
   * @param {string} action
   * @param {Camera | null} camera
   */
  #act(action, camera) {
    if (action === "add") return void this.#edit(null, "name");
    if (action === "load") return void this.#store.load();
    if (action === "signIn") return location.reload();
    if (!camera) return;
    if (action === "tryNow" || action === "reconnect") void this.#actions.reconnect(camera);
    else if (action === "switchOn") void this.#actions.switchOn(camera);
    else if (action === "switchOff") void this.#actions.switchOff(camera);
    else if (action === "editAddress") this.#edit(camera, "url");
    else if (action === "editSignIn") this.#edit(camera, "username");
    else if (action === "edit") this.#edit(camera, "name");
    else if (action.startsWith("snooze:")) void this.#actions.snooze(camera, Number(action.slice(7)));
  }

  /**
   * @param {Camera | null} camera
   * @param {string} field  that gets the focus
   */
  #edit(camera, field) {
    new CameraForm({
      camera,
      field,
      labels: this.#info.model.classes,
      onsaved: (saved) => {
        this.#store.put(saved);
        this.#announcer.polite(camera ? `${saved.name} is saved.` : `${saved.name} is added.`);
        if (!camera) this.#grid.focus(saved.id);
      },
      ondelete: (gone) => this.#delete(gone),
    });
  }

  /** @param {Camera} camera */
  #delete(camera) {
    this.#actions.delete(camera);
    if (this.#id) location.hash = "#/cameras";
    else this.#grid.focus("");
  }

  /** @returns {import("./shortcuts.js").Keys} */
  keys() {
    if (this.#id) return this.#view.keys();
    if (!mayChange(this.#info)) return {};
    return { a: { label: "Add camera", run: () => this.#act("add", null) } };
  }
}
