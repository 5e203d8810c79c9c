// @ts-check
import { noTransport } from "./camera.js";
import { h } from "./dom.js";

const CLIP = "/static/sample.webm";

/** @type {import("./camera.js").Opener} */
export const sampleOpener = { first: async () => "connectingSample", open: openSample };

/**
 * Plays the sample clip into a canvas, which then goes the same way as a camera would.
 * @param {AbortSignal} signal
 * @returns {Promise<import("./camera.js").Source>}
 */
async function openSample(signal) {
  const missing = noTransport();
  if (missing) throw missing;
  const video = h("video", { src: CLIP, muted: true, loop: true, playsinline: true });
  video.muted = true;
  await video.play();
  if (signal.aborted) unload(video);
  signal.throwIfAborted();
  const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
  const stop = drawEachFrame(video, canvas);
  const stream = canvas.captureStream(30);
  return {
    stream,
    name: "Sample clip",
    sample: true,
    onended: null,
    close() {
      stop();
      unload(video);
      stream.getTracks().forEach((track) => track.stop());
    },
  };
}

/** @param {HTMLVideoElement} video */
function unload(video) {
  video.pause();
  video.removeAttribute("src");
}

/**
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
function drawEachFrame(video, canvas) {
  const context = canvas.getContext("2d", { alpha: false });
  const draw = () => context?.drawImage(video, 0, 0);
  draw();
  // a timer and not an animation frame: those stop when the page is covered, and the clip must go on
  const timer = setInterval(draw, 1000 / 30);
  return () => clearInterval(timer);
}
