// @ts-check
import { ApiError, saveCamera } from "./api.js";
import { Choices, Field } from "./form-fields.js";
import { addressRefusal } from "./camera-states.js";
import { openForm } from "./dialog.js";
import { h, icon } from "./dom.js";
import { HoursField } from "./hours-field.js";

/** @typedef {import("./types.js").Camera} Camera */

const KEPT = "Saved. Type a new one to change it.";
const RULE = /** @type {const} */ (["hits", "frames", "min_size_px", "cooldown_s"]);

/** The settings of a camera in a dialog; a refusal stands at the field that it means. */
export class CameraForm {
  #camera;
  #onsaved;
  #fields;
  #classes;
  #hours;
  #problem = h("p", { class: "err", role: "alert" });
  #more;
  #save = h("button", { class: "btn primary", type: "submit" });
  #dialog;
  #before;

  /**
   * @param {object} options
   * @param {Camera | null} options.camera  null for a new one
   * @param {string} options.field  that gets the focus
   * @param {string[]} options.labels  classes of the model
   * @param {(camera: Camera) => void} options.onsaved
   * @param {(camera: Camera) => void} options.ondelete
   */
  constructor({ camera, field, labels, onsaved, ondelete }) {
    this.#camera = camera;
    this.#onsaved = onsaved;
    this.#fields = this.#newFields();
    this.#classes = new Choices("Classes", labels, camera?.classes ?? null);
    this.#hours = new HoursField(camera?.schedule ?? []);
    this.#more = this.#buildMore();
    this.#save.textContent = camera ? "Save" : "Add camera";
    const form = h("form", { class: "camform", novalidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) });
    form.append(...this.#parts(ondelete));
    this.#dialog = openForm(camera ? `Settings of ${camera.name}` : "Add a camera", form);
    this.#before = this.#values();
    this.#fields[field].focus();
  }

  /** @returns {Record<string, Field>} */
  #newFields() {
    const camera = this.#camera;
    const rule = camera?.rule;
    const off = camera?.managed ?? false;
    const number = { type: "number", inputmode: "decimal", step: "any", placeholder: "The server's" };
    const text = { autocomplete: "off", spellcheck: "false", disabled: off };
    const kept = camera?.has_password ? KEPT : "";
    return {
      name: new Field("Name", { ...text, maxlength: 80, value: camera?.name }),
      url: new Field("Address", { ...text, inputmode: "url", value: camera?.url, placeholder: "rtsp://10.0.4.17/stream1" }),
      username: new Field("User", { ...text, value: camera?.username }),
      password: new Field("Password", { ...text, type: "password", autocomplete: "new-password" }, { hint: kept }),
      detect_url: new Field(
        "Low-resolution address",
        { ...text, inputmode: "url", value: camera?.detect_url },
        { hint: "Watched and checked in place of the first one, which then only makes clips. Saves much work." },
      ),
      conf: new Field(
        "Confidence at least, in %",
        { ...number, min: 0, max: 100, disabled: off, value: share(camera?.conf) },
        { scale: 100 },
      ),
      max_fps: new Field("Most pictures a second", { ...number, min: 0, disabled: off, value: camera?.max_fps, placeholder: "All" }),
      hits: new Field("Seen in pictures", { ...number, min: 1, value: rule?.hits }),
      frames: new Field("of the last", { ...number, min: 1, value: rule?.frames }),
      min_size_px: new Field("Smallest size, in pixels", { ...number, min: 0, value: rule?.min_size_px }),
      cooldown_s: new Field("Quiet after an alert, in seconds", { ...number, min: 0, value: rule?.cooldown_s }),
    };
  }

  #buildMore() {
    const { detect_url, conf, max_fps, hits, frames, min_size_px, cooldown_s } = this.#fields;
    this.#classes.disabled = this.#camera?.managed ?? false;
    const rule = h("fieldset", {}, h("legend", {}, "When it makes an alert"), two(hits, frames), two(min_size_px, cooldown_s));
    const parts = [detect_url.element, two(conf, max_fps), this.#classes.element, this.#hours.element, rule];
    return h("details", {}, h("summary", {}, icon("right", "s"), "More"), h("div", { class: "more" }, ...parts));
  }

  /** @param {(camera: Camera) => void} ondelete */
  #parts(ondelete) {
    const camera = this.#camera;
    const { name, url, username, password } = this.#fields;
    const managed =
      camera?.managed &&
      h("p", { class: "hint" }, "This camera stands in the settings file of the server; what is grey here is changed there.");
    const remove = () => {
      this.#dialog.close();
      if (camera) ondelete(camera);
    };
    const cancel = h("button", { class: "btn", type: "button", onclick: () => this.#dialog.close() }, "Cancel");
    const trash =
      camera &&
      !camera.managed &&
      h("button", { class: "btn ghost delete", type: "button", onclick: remove }, icon("trash"), "Delete camera");
    const foot = h("div", { class: "foot2" }, trash, cancel, this.#save);
    const parts = [managed, name.element, url.element, two(username, password), this.#more, this.#problem, foot];
    return parts.filter((part) => part instanceof Node);
  }

  /** All that the form says, as the API wants it. @returns {Record<string, unknown>} */
  #values() {
    const { name, url, username, password, detect_url, conf, max_fps } = this.#fields;
    const rule = Object.fromEntries(RULE.map((key) => [key, this.#fields[key].number]));
    return {
      name: name.text ?? "",
      url: url.text ?? "",
      username: username.text,
      password: password.text,
      detect_url: detect_url.text,
      conf: conf.number,
      max_fps: max_fps.number,
      classes: this.#classes.value,
      schedule: this.#hours.value,
      rule,
    };
  }

  /** What was changed; of a new camera, what was given. */
  #changes() {
    const now = this.#values();
    const changed = Object.entries(now).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(this.#before[key]));
    return Object.fromEntries(this.#camera ? changed : [["name", now.name], ["url", now.url], ...changed]);
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    for (const field of Object.values(this.#fields)) field.refuse("");
    this.#hours.refuse("");
    this.#problem.textContent = "";
    if (!this.#check()) return;
    this.#save.disabled = true;
    try {
      const saved = await saveCamera(this.#camera?.id ?? null, this.#changes());
      this.#dialog.close();
      this.#onsaved(saved);
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#save.disabled = false;
    }
  }

  /** What needs no server to be seen. */
  #check() {
    const missing = [
      ["name", "Give it a name."],
      ["url", "Give its address."],
    ];
    for (const [key, sentence] of missing) {
      if (this.#fields[key].text) continue;
      this.#fields[key].refuse(sentence);
      this.#fields[key].focus();
      return false;
    }
    return true;
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (!(error instanceof ApiError)) return void (this.#problem.textContent = "The server does not answer. Nothing was saved.");
    const guess = error.status === 403 ? "url" : error.status === 409 && /name/.test(error.message) ? "name" : "";
    const key = String(error.problem.field ?? guess);
    const sentence = error.status === 403 ? addressRefusal(error.message) : plain(error.message, key);
    const field = key === "schedule" ? this.#hours : this.#fields[key === "rule" ? "hits" : key];
    if (!field) return void (this.#problem.textContent = sentence);
    if (this.#more.contains(field.element)) this.#more.open = true;
    field.refuse(sentence);
    field.focus();
  }
}

/** @param {number | null | undefined} fraction */
const share = (fraction) => (typeof fraction === "number" ? Math.round(fraction * 1000) / 10 : null);

/** @param {...Field} fields */
const two = (...fields) => h("div", { class: "two" }, ...fields.map(({ element }) => element));

/**
 * The server's sentence without the name of the field, which it stands at.
 * @param {string} message
 * @param {string} key
 */
function plain(message, key) {
  const text = key && message.startsWith(`${key}: `) ? message.slice(key.length + 2) : message;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
