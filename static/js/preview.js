// @ts-check
import { videoAddress } from "./api.js";
import { h } from "./dom.js";

const LOOK_MS = 200;
const AGAIN_MS = 2000;

/** The pictures of a video while it is checked, with their boxes, as they come. */
export class Preview {
  #id = "";
  #onfirst;
  #timer = 0;
  image = h("img", { class: "live", alt: "", hidden: true });

  /** @param {() => void} onfirst  the first picture is there */
  constructor(onfirst) {
    this.#onfirst = onfirst;
    // a picture that breaks off leaves the one before; the job may just have been taken up again
    this.image.addEventListener("error", () => {
      clearTimeout(this.#timer);
      if (this.#id) this.#timer = setTimeout(() => this.#connect(), AGAIN_MS);
    });
  }

  /** Whether a picture is there. */
  get shows() {
    return Boolean(this.#id) && this.image.naturalWidth > 0;
  }

  /**
   * Begins with the pictures of a job; the same again changes nothing.
   * @param {string} id
   */
  open(id) {
    if (this.#id === id) return;
    this.close();
    this.#id = id;
    this.image.hidden = false;
    this.#connect();
  }

  /** Ends the connection: a browser has only six to a server. */
  close() {
    clearTimeout(this.#timer);
    this.#id = "";
    this.image.hidden = true;
    this.image.removeAttribute("src");
  }

  #connect() {
    clearTimeout(this.#timer);
    this.image.src = `${videoAddress(this.#id, "mjpeg")}?at=${Date.now()}`;
    this.#look();
  }

  /** Browsers do not agree on whether an endless picture ever loads. */
  #look() {
    if (this.shows) this.#onfirst();
    else this.#timer = setTimeout(() => this.#look(), LOOK_MS);
  }
}
