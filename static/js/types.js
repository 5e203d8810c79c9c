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
 * @property {{picture_bytes: number, picture_pixels: number, live_sessions: number, live_imgsz: number, live_imgsz_reason: string}} limits
 * @property {string[]} features
 * @property {{required: boolean, name: string | null, rights: "view" | "admin"}} [auth]
 * @property {{sources: string[], before_s: number, after_s: number, expire_s: number, keep_days: number} | null} [alerts]
 */

/**
 * @typedef {object} DetectionMessage  one processed frame, on the data channel
 * @property {number} frame
 * @property {number} pts
 * @property {number} age_ms
 * @property {number | null} box_age_ms
 * @property {number} detector_ms
 * @property {number} imgsz  longest side of the detector's input
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

/** @typedef {"queued" | "running" | "done" | "failed" | "cancelled"} JobState */

/**
 * @typedef {object} Job  one video on the server
 * @property {string} id
 * @property {string} name
 * @property {JobState} state
 * @property {number} progress  0..1
 * @property {number | null} frames
 * @property {number} frames_done
 * @property {number | null} fps  frames checked in a second
 * @property {number | null} eta_s
 * @property {string | null} error
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} finished_at
 * @property {string | null} expires_at
 * @property {number} size_bytes
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} duration_s
 * @property {number} every  each n-th frame is checked
 * @property {number | null} conf
 * @property {number | null} position  in the queue, 0 for the next one
 * @property {number | null} detections
 * @property {number | null} tracks
 * @property {{annotated: string, json: string, csv: string} | null} results
 * @property {Seen | null} seen  what was seen so far, while it runs
 */

/**
 * The best confidence of each class in each part of a video.
 * @typedef {{part_s: number, classes: {class: number, name: string, percent: number[]}[]}} Seen
 */

/** @typedef {{max_bytes: number, max_duration_s: number, max_pixels: number}} VideoLimits */

/**
 * @typedef {object} VideoTrack  one object in a video, from when to when it was seen
 * @property {number} track_id
 * @property {number} class
 * @property {string} name
 * @property {number} first_s
 * @property {number} last_s
 * @property {number} frames
 * @property {number} best_confidence
 * @property {number} best_s
 * @property {Box} box  in the best frame
 */

/**
 * @typedef {object} VideoResult  detections.json
 * @property {{width: number, height: number, fps: number | null, duration_s: number | null, frames: number | null}} video
 * @property {number} every
 * @property {boolean} complete
 * @property {{frame: number, time_s: number, results: Result[]}[]} frames
 * @property {VideoTrack[]} tracks
 */

/** @typedef {"candidate" | "confirmed" | "dismissed" | "expired"} AlertState */

/**
 * @typedef {object} Delivery  one message to one channel
 * @property {string} id
 * @property {string} channel
 * @property {string} event  a state of the alert
 * @property {"pending" | "sending" | "sent" | "failed"} state
 * @property {boolean} unsure  it may have arrived more often than once
 * @property {number} attempts
 * @property {string | null} next_try_at
 * @property {string | null} sent_at
 * @property {string | null} error
 * @property {number | null} after_s  from the event to the channel's answer
 */

/**
 * @typedef {object} Alert  what a person has to look at; times are ISO 8601 in UTC
 * @property {string} id
 * @property {AlertState} state
 * @property {string} stream
 * @property {string | null} camera
 * @property {{name: string, kind: "camera" | "webcam" | "publisher"}} source
 * @property {string} label
 * @property {number} confidence
 * @property {number} track_id
 * @property {Box} box  in the best frame
 * @property {number} width
 * @property {number} height
 * @property {number} hits  of `frames`
 * @property {number} frames
 * @property {number} in_view_s
 * @property {string} opened_at
 * @property {string} expires_at
 * @property {string | null} decided_at
 * @property {string | null} decided_by
 * @property {string | null} decided_zone
 * @property {string | null} reason
 * @property {string | null} note
 * @property {"pending" | "ready" | "missing"} clip
 * @property {number | null} clip_start_s  from `opened_at`, negative
 * @property {number | null} clip_duration_s
 * @property {Delivery[]} deliveries
 */

/**
 * @typedef {object} AlertDetections  detections.json of an alert, `t` in seconds from `opened_at`
 * @property {number} width
 * @property {number} height
 * @property {{t: number, results: Result[]}[]} frames
 */

/**
 * @typedef {object} Channel  somebody who is told of alerts
 * @property {string} name
 * @property {"webhook" | "mqtt" | "email"} kind
 * @property {string} target  without secrets
 * @property {string | null} last_sent_at
 * @property {string | null} last_error
 */

/** @typedef {{kind: "ignore" | "watch", points: [number, number][]}} Region  corners as shares of width and height */

/** @typedef {{days: string[], from: string, to: string}} Span  "mon", "18:00" */

/** @typedef {{hits: number | null, frames: number | null, min_size_px: number | null, cooldown_s: number | null}} CameraRule */

/** @typedef {"connecting" | "live" | "stalled" | "unauthorised" | "unreachable" | "off"} CameraState */

/**
 * @typedef {object} Camera  a configured camera with how it is now; times are ISO 8601 in UTC
 * @property {string} id  also that of its stream
 * @property {string} name
 * @property {string} url
 * @property {string | null} detect_url
 * @property {string | null} username
 * @property {boolean} has_password
 * @property {number | null} conf
 * @property {string[] | null} classes
 * @property {number | null} max_fps
 * @property {Region[]} mask
 * @property {Span[]} schedule
 * @property {CameraRule} rule
 * @property {boolean} enabled
 * @property {boolean} managed  by the settings file
 * @property {string | null} snoozed_until
 * @property {CameraState} state
 * @property {string | null} reason
 * @property {string} since
 * @property {string | null} next_try_at
 * @property {string | null} off_until
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} fps
 * @property {number | null} age_ms
 * @property {string | null} codec
 * @property {{id: string, opened_at: string, label: string, confidence: number, state: AlertState} | null} last_alert
 */

/** @typedef {{event: string, id?: string, grace_s?: number, detail?: string}} EventMessage */
/** @typedef {{error: string}} ErrorMessage */

/** @typedef {{conf?: number, classes?: number[] | null, annotate?: boolean, mode?: "smooth" | "exact", view_h?: number}} Control */

/** @typedef {{preprocess: number, inference: number, postprocess: number}} Speed */

/**
 * @typedef {object} PredictAnswer
 * @property {{shape: [number, number], results: Result[], speed: Speed}[]} images
 * @property {{model: string, functionTimeCall: number, [key: string]: unknown}} metadata
 */

export {};
