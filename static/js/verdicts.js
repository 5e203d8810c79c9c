// @ts-check
import { ApiError, sendDeliveryAgain } from "./api.js";
import { opened, taken } from "./alert-words.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./alert-detail.js").Answer} Answer */

const SETTLE_MS = 600; // an answer that comes this soon after the next alert has opened was meant for the one before

/** Sends what a person says of an alert, and says what became of it. */
export class Verdicts {
  #store;
  #detail;
  #announcer;
  #onnext;
  #current;
  #busy = false;
  /** The alert that the note is about. */
  #noted = "";
  #movedAt = -Infinity;

  /**
   * @param {object} options
   * @param {import("./alert-store.js").AlertStore} options.store
   * @param {import("./alert-detail.js").AlertDetail} options.detail
   * @param {import("./announcer.js").Announcer} options.announcer
   * @param {(answered: Alert) => void} options.onnext  the answer has arrived
   * @param {() => string} options.current  the alert under review
   */
  constructor({ store, detail, announcer, onnext, current }) {
    this.#store = store;
    this.#detail = detail;
    this.#announcer = announcer;
    this.#onnext = onnext;
    this.#current = current;
  }

  /**
   * Confirms at once.
   * @param {Alert | undefined} alert
   * @param {string | null} note
   */
  async confirm(alert, note) {
    if (alert && this.#mayAnswer(alert)) await this.#send(alert, "confirm", { note });
  }

  /**
   * Dismisses after a while in which it can be taken back.
   * @param {Alert | undefined} alert
   * @param {string | null} note
   */
  dismiss(alert, note) {
    if (!alert || !this.#mayAnswer(alert)) return;
    this.#detail.held.hold(alert, note);
    this.#detail.show(alert);
    this.#detail.held.focus();
    this.#announcer.polite("Dismissed. Undo within 5 seconds.");
  }

  /** @param {Alert} alert */
  #mayAnswer({ id, state }) {
    if (this.#busy || performance.now() - this.#movedAt < SETTLE_MS) return false;
    return (state === "candidate" || state === "expired") && this.#detail.held.id !== id;
  }

  /**
   * A dismissal has waited long enough, or the page is left.
   * @param {Alert} alert
   * @param {Answer} answer
   */
  async sendDismissal(alert, answer) {
    await this.#send(alert, "dismiss", answer);
  }

  /**
   * @param {Alert} alert
   * @param {"confirm" | "dismiss"} verdict
   * @param {Answer} answer
   */
  async #send(alert, verdict, answer) {
    this.#busy = this.#detail.busy = true;
    try {
      await this.#store.decide(alert.id, verdict, answer);
      this.#detail.noted(alert.id);
      if (this.#noted === alert.id) this.#detail.note.hide();
      if (this.#current() !== alert.id) return;
      this.#movedAt = performance.now();
      this.#onnext(alert);
    } catch (error) {
      this.#refused(alert, error, () => void this.#send(alert, verdict, answer));
    } finally {
      this.#busy = this.#detail.busy = false;
    }
  }

  /**
   * @param {Alert} alert
   * @param {unknown} error
   * @param {() => void} again
   */
  #refused(alert, error, again) {
    void this.#store.refresh(alert.id);
    const shown = this.#store.get(alert.id);
    if (this.#current() === alert.id && shown) this.#detail.show(shown);
    if (error instanceof ApiError && error.status === 409) return this.#say(alert, taken(error.problem, this.#store.now));
    this.#say(alert, `Your answer was not sent. ${reason(error)}`, { label: "Send again", onclick: again });
  }

  /**
   * The note stays until it is closed or what it asks for is done, also while other alerts are looked at: so it names its own.
   * @param {Alert} alert
   * @param {string} text
   * @param {{label: string, onclick: () => void}} [action]
   */
  #say(alert, text, action) {
    const { note } = this.#detail;
    const heading = `${alert.source.name}, ${opened(alert)}:`;
    const act = action && { ...action, onclick: () => (note.hide(), action.onclick()) };
    this.#noted = alert.id;
    note.show({ kind: "bad", heading, text, action: act, closes: true });
    this.#announcer.assertive(this.#current() === alert.id ? text : `${heading} ${text}`);
  }

  /**
   * @param {Alert} alert
   * @param {string} note
   */
  async saveNote(alert, note) {
    try {
      await this.#store.saveNote(alert.id, note);
      this.#detail.noted(alert.id);
      const saved = this.#store.get(alert.id);
      if (saved && this.#current() === alert.id) this.#detail.show(saved);
      this.#announcer.polite("Note saved");
    } catch (error) {
      this.#say(alert, `The note was not saved. ${reason(error)}`);
    }
  }

  /**
   * @param {Alert} alert
   * @param {import("./types.js").Delivery} delivery
   */
  async sendAgain(alert, delivery) {
    try {
      await sendDeliveryAgain(alert.id, delivery.id);
      await this.#store.refresh(alert.id);
      this.#announcer.polite("It is sent again");
    } catch (error) {
      this.#say(alert, `The message was not sent again. ${reason(error)}`);
    }
  }
}

/** @param {unknown} error */
const reason = (error) => (error instanceof ApiError ? error.message : "The server does not answer.");
