// @ts-check
import { ApiError, reconnectCamera, saveCamera } from "./api.js";
import { soon } from "./camera-states.js";
import { Undo } from "./undo.js";

/** @typedef {import("./types.js").Camera} Camera */

/** What is done to a camera from outside its form, with a sentence of what became of it, and a way back. */
export class CameraActions {
  #store;
  #note;
  #announcer;
  #undo;
  /** The camera that a note says was not changed. */
  #refused = "";

  /**
   * @param {object} options
   * @param {import("./camera-store.js").CameraStore} options.store
   * @param {import("./note.js").Note} options.note
   * @param {import("./announcer.js").Announcer} options.announcer
   */
  constructor({ store, note, announcer }) {
    this.#store = store;
    this.#note = note;
    this.#announcer = announcer;
    this.#undo = new Undo({
      onwait: (ids) => this.#waits(ids),
      onundo: (ids) => this.#back(ids),
      ondelete: (ids) => void this.#remove(ids),
    });
  }

  /** @param {Camera} camera */
  reconnect(camera) {
    return this.#try(camera, () => reconnectCamera(camera.id), `Connecting ${camera.name} anew.`);
  }

  /**
   * Switches a camera on, also against its schedule, which then goes until it is taken back.
   * @param {Camera} camera
   */
  async switchOn(camera) {
    const scheduled = camera.off_until !== null;
    const values = scheduled ? { schedule: [], enabled: true } : { enabled: true };
    const done = await this.#try(camera, () => saveCamera(camera.id, values), `${camera.name} is switched on.`);
    if (!done || !scheduled) return;
    const onclick = () => {
      this.#note.hide();
      void this.#try(camera, () => saveCamera(camera.id, { schedule: camera.schedule }), "The schedule is back.");
    };
    const text = "Its schedule is removed, so it is watched at all hours.";
    this.#note.show({ kind: "plain", heading: `${camera.name} is on.`, text, action: { label: "Put the schedule back", onclick } });
  }

  /** @param {Camera} camera */
  switchOff(camera) {
    return this.#try(camera, () => saveCamera(camera.id, { enabled: false }), `${camera.name} is switched off.`);
  }

  /**
   * Keeps a camera from making alerts for so long; 0 ends that.
   * @param {Camera} camera
   * @param {number} seconds
   */
  async snooze(camera, seconds) {
    const said = seconds ? `Alerts of ${camera.name} are snoozed.` : `${camera.name} makes alerts again.`;
    const done = await this.#try(camera, () => saveCamera(camera.id, { snooze_s: seconds }), said);
    if (!done) return;
    if (!seconds) return this.#note.hide();
    const until = soon(new Date(Date.now() + seconds * 1000), Date.now());
    const action = { label: "End it", onclick: () => void this.snooze(camera, 0) };
    this.#note.show({ kind: "plain", heading: said, text: `It makes none until ${until}.`, action });
  }

  /** Deletes a camera after a while, in which it can be taken back. @param {Camera} camera */
  delete(camera) {
    this.#undo.delete([camera.id]);
  }

  /** @param {string[]} ids */
  #waits(ids) {
    this.#store.hide(ids, true);
    const action = { label: "Undo", onclick: () => this.#undo.undo() };
    this.#note.show({ kind: "plain", heading: "Deleted.", text: "Its alerts are kept for as long as all others.", action });
    this.#announcer.polite("Deleted. Undo is at the top of the cameras for 6 seconds.");
  }

  /** @param {string[]} ids */
  #back(ids) {
    this.#note.hide();
    this.#store.hide(ids, false);
    this.#announcer.polite("The camera is back.");
  }

  /** @param {string[]} ids */
  async #remove(ids) {
    this.#note.hide();
    try {
      for (const id of ids) await this.#store.remove(id);
    } catch (error) {
      this.#refuse("The camera was not deleted.", error);
    }
  }

  /**
   * @param {Camera} camera
   * @param {() => Promise<Camera>} send
   * @param {string} said
   */
  async #try(camera, send, said) {
    try {
      this.#store.put(await send());
    } catch (error) {
      this.#refuse(`${camera.name} was not changed.`, error);
      this.#refused = camera.id;
      return false;
    }
    if (this.#refused === camera.id) this.#note.hide("bad");
    this.#announcer.polite(said);
    return true;
  }

  /**
   * @param {string} heading
   * @param {unknown} error
   */
  #refuse(heading, error) {
    const text = error instanceof ApiError ? error.message : "The server does not answer.";
    this.#note.show({ kind: "bad", heading, text, closes: true });
    this.#announcer.assertive(`${heading} ${text}`);
  }
}
