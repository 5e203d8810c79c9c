// @ts-check

const SETTLE_MS = 200;

/** Tells the server how tall the picture stands on this screen, on change: it sets the size of the labels by it. */
export class ViewHeight {
  #stage;
  #video;
  #send;
  #told = 0;
  #timer = 0;
  #observer = new ResizeObserver(() => this.changed());

  /**
   * @param {HTMLElement} stage
   * @param {HTMLVideoElement} video
   * @param {(height: number) => boolean} send  returns whether it could be sent
   */
  constructor(stage, video, send) {
    this.#stage = stage;
    this.#video = video;
    this.#send = send;
  }

  open() {
    this.#observer.observe(this.#stage);
  }

  close() {
    this.#observer.disconnect();
    clearTimeout(this.#timer);
  }

  /** A new connection knows nothing yet. */
  renew() {
    this.#told = 0;
    this.changed();
  }

  /** Sends the height once it has settled. */
  changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const height = this.#height();
      if (height > 0 && height !== this.#told && this.#send(height)) this.#told = height;
    }, SETTLE_MS);
  }

  /** Without what is left empty around the picture. */
  #height() {
    const { clientWidth, clientHeight } = this.#stage;
    const { videoWidth, videoHeight } = this.#video;
    return Math.round(videoWidth ? Math.min(clientHeight, (clientWidth * videoHeight) / videoWidth) : clientHeight);
  }
}
