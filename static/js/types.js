// @ts-check
/** The shapes that travel between the page and the server, for the type checker; nothing here runs. */

/** @typedef {{x1: number, y1: number, x2: number, y2: number}} Box  pixels of the source picture */

/** @typedef {{class: number, name: string, confidence: number, box: Box, track_id?: number | null}} Result */

/**
 * @typedef {object} Info  the answer of /api/info
 * @property {string} version
 * @property {string} source  address of the source code
 * @property {{name: string, classes: string[], conf: number, imgsz: number}} model
 * @property {RTCIceServer[]} iceServers
 * @property {number} servers  at most, behind this address
 * @property {number} capacity  live sessions that fit
 * @property {number} active  live sessions now
 * @property {{picture_bytes: number, picture_pixels: number, live_sessions: number}} limits
 * @property {string[]} features
 * @property {{required: boolean, name: string | null}} [auth]
 */

/**
 * @typedef {object} DetectionMessage  one processed frame, on the data channel
 * @property {number} frame
 * @property {number} pts
 * @property {number} age_ms
 * @property {number | null} box_age_ms
 * @property {number} detector_ms
 * @property {[number, number]} shape  height, width
 * @property {Result[]} results
 * @property {number} received
 * @property {number} dropped
 * @property {number} conf
 * @property {number[] | null} classes
 * @property {"smooth" | "exact"} mode
 * @property {boolean} annotate
 */

/** @typedef {{id: string, name: string, shape: [number, number] | null}} Stream  a running stream, as far as the page needs it */

/** @typedef {{event: string, grace_s?: number, detail?: string}} EventMessage */
/** @typedef {{error: string}} ErrorMessage */

/** @typedef {{conf?: number, classes?: number[] | null, annotate?: boolean, mode?: "smooth" | "exact", view_h?: number}} Control */

/** @typedef {{preprocess: number, inference: number, postprocess: number}} Speed */

/**
 * @typedef {object} PredictAnswer
 * @property {{shape: [number, number], results: Result[], speed: Speed}[]} images
 * @property {{model: string, functionTimeCall: number, [key: string]: unknown}} metadata
 */

export {};
