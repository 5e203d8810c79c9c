// @ts-check
/** What the list of files says of each state: a sign and its word, a line, what went wrong, and what can be done. */

import { bytes, countOf, percent, playTime, roughly, thousands } from "./format.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./uploads.js").Upload} Upload */
/** @typedef {"cancel" | "remove" | "delete" | "dismiss" | "sendAgain" | "tryAgain" | "startAgain"} FileAction */

/**
 * @typedef {object} Words
 * @property {string} sign
 * @property {string} word
 * @property {string} line
 * @property {string} [problem]
 * @property {number} [meter]  0..1
 * @property {FileAction} end  the one that ends or removes it
 * @property {FileAction} [again]
 */

/**
 * @param {import("./videos.js").VideoFile} file
 * @param {number} ahead  files before it
 * @returns {Words}
 */
export function fileWords({ job, upload }, ahead) {
  if (job) return JOB_WORDS[job.state](job, ahead);
  if (upload) return UPLOAD_WORDS[upload.state](upload);
  throw new Error("A file is a job or an upload.");
}

/** @param {Job} job */
export const foundIn = (job) => (job.tracks ? countOf(job.tracks, "sighting") : "Nothing found");

/**
 * @param {Job} job
 * @returns {string}
 */
const speedOf = ({ fps, eta_s, frames_done }) =>
  [
    fps ? `${fps < 10 ? fps.toFixed(1) : Math.round(fps)} frames/s` : "Starting",
    fps && (eta_s === null ? `${thousands(frames_done)} frames so far` : `${roughly(Math.max(1, eta_s))} left`),
  ]
    .filter(Boolean)
    .join(" · ");

/** @type {Record<Job["state"], (job: Job, ahead: number) => Words>} */
const JOB_WORDS = {
  queued: (_job, ahead) => ({
    sign: "off",
    word: "Waiting",
    line: ahead ? `${countOf(ahead, "file")} ahead` : "Starts next",
    end: "remove",
  }),
  running: (job) => ({
    sign: "busy",
    word: job.frames ? percent(job.progress) : "Checking",
    line: speedOf(job),
    meter: job.frames ? job.progress : undefined,
    end: "cancel",
  }),
  done: (job) => ({
    sign: "ok",
    word: "Done",
    line: job.duration_s ? `${foundIn(job)} · ${playTime(job.duration_s)}` : foundIn(job),
    end: "delete",
  }),
  failed: (job) => ({
    sign: "bad",
    word: "Failed",
    line: "",
    problem: job.error ?? "The server gave no reason.",
    end: "delete",
    again: mayHelp(job) ? "tryAgain" : undefined,
  }),
  cancelled: (job) => ({
    sign: "off",
    word: "Cancelled",
    line: `at ${percent(job.progress)}`,
    end: "delete",
    again: "startAgain",
  }),
};

/** @type {Record<Upload["state"], (upload: Upload) => Words>} */
const UPLOAD_WORDS = {
  waiting: (upload) => ({ sign: "off", word: "Waiting", line: `${bytes(upload.size)} to send`, end: "cancel" }),
  uploading: (upload) => ({
    sign: "busy",
    word: "Uploading",
    line: uploadLine(upload),
    meter: upload.progress,
    end: "cancel",
  }),
  broken: (upload) => ({
    sign: "bad",
    word: "Upload stopped",
    line: "",
    problem: `The connection broke at ${percent(upload.progress)}.`,
    end: "dismiss",
    again: "sendAgain",
  }),
  refused: (upload) => ({
    sign: "bad",
    word: "Not added",
    line: "",
    problem: upload.problem,
    end: "dismiss",
    again: upload.mayHelp ? "sendAgain" : undefined,
  }),
  cancelled: (upload) => ({
    sign: "off",
    word: "Cancelled",
    line: `at ${percent(upload.progress)}`,
    end: "dismiss",
    again: "startAgain",
  }),
};

/** @param {Upload} upload */
function uploadLine(upload) {
  if (upload.progress === 1) return "Sent, the server opens it";
  const left = upload.leftS === null ? "" : ` · ${roughly(Math.max(1, upload.leftS))} left`;
  return `${percent(upload.progress)} of ${bytes(upload.size)}${left}`;
}

/**
 * Checking again helps where the check broke, not where the file is at fault: those reasons begin with the file.
 * @param {Job} job
 */
export const mayHelp = (job) => !/^(The (uploaded )?file|Its?|This) /.test(job.error ?? "");

/**
 * What the file is, and how far it was checked, under its name.
 * @param {Job} job
 */
export function facts(job) {
  const frames = job.state === "done" ? job.frames_done || job.frames : job.frames;
  const which = job.every > 1 ? `every ${ordinal(job.every)} frame checked` : job.state === "done" && "every one checked";
  const tookS = job.started_at && job.finished_at ? (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000 : null;
  return [
    job.duration_s && playTime(job.duration_s),
    job.width && job.height && `${job.width}×${job.height}`,
    [frames && countOf(frames, "frame"), which].filter(Boolean).join(", "),
    job.state === "done" && tookS !== null && `done in ${roughly(Math.max(1, tookS))}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {number} number */
function ordinal(number) {
  const tens = number % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}
