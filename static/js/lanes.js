// @ts-check
/** When something of each class was seen in a video, and how surely: what the timeline draws and says. */

/** @typedef {import("./types.js").VideoResult} VideoResult */

/** @typedef {{t: number, confidence: number}} Point  the surest result of one frame, `t` in seconds */
/** @typedef {{from: number, to: number, points: Point[]}} Span  seen without a gap, in seconds */

/**
 * @typedef {object} Lane
 * @property {number} class
 * @property {string} name
 * @property {Span[]} spans  in order
 */

const GAP_S = 0.5; // shorter gaps are bridged
const WIDTH = 1000; // of the drawing: more points than pixels show nothing more

/**
 * The lanes of a result, one for each class that was seen.
 * @param {Pick<VideoResult, "frames">} result
 * @param {number} frameS  from one checked frame to the next; a longer one than the gap is bridged too
 * @returns {Lane[]}
 */
export function lanesOf({ frames }, frameS) {
  /** @type {Map<number, Lane>} */
  const lanes = new Map();
  const bridge = Math.max(GAP_S, 1.5 * frameS);
  for (const { time_s: t, results } of frames)
    for (const [id, { name, confidence }] of surest(results)) {
      const lane = lanes.get(id) ?? { class: id, name, spans: [] };
      lanes.set(id, lane);
      add(lane.spans, { t, confidence }, bridge);
    }
  return [...lanes.values()].sort((a, b) => a.class - b.class);
}

/**
 * The lanes of what was seen so far in a video that is still being checked.
 * @param {import("./types.js").Seen} seen
 * @param {number} frameS
 * @returns {Lane[]}
 */
export function lanesSoFar({ part_s, classes }, frameS) {
  const bridge = Math.max(GAP_S, 1.5 * part_s, 1.5 * frameS);
  return classes.map(({ percent, ...kind }) => {
    /** @type {Span[]} */
    const spans = [];
    percent.forEach((value, at) => value && add(spans, { t: at * part_s, confidence: value / 100 }, bridge));
    return { ...kind, spans };
  });
}

/** @param {import("./types.js").Result[]} results */
function surest(results) {
  /** @type {Map<number, import("./types.js").Result>} */
  const best = new Map();
  for (const result of results)
    if (result.confidence > (best.get(result.class)?.confidence ?? -1)) best.set(result.class, result);
  return best;
}

/**
 * @param {Span[]} spans
 * @param {Point} point
 * @param {number} bridge  seconds
 */
function add(spans, point, bridge) {
  const last = spans.at(-1);
  if (last && point.t - last.to <= bridge) {
    last.to = point.t;
    last.points.push(point);
  } else spans.push({ from: point.t, to: point.t, points: [point] });
}

/**
 * The surest thing in view at a time, null for nothing.
 * @param {Lane[]} lanes
 * @param {number} t  seconds
 * @param {number} slackS  how far beside a span still counts: what is shown at `t` is the frame before it
 * @returns {{name: string, confidence: number} | null}
 */
export function seenAt(lanes, t, slackS) {
  /** @type {{name: string, confidence: number} | null} */
  let best = null;
  for (const { name, spans } of lanes)
    for (const { from, to, points } of spans) {
      if (t < from - slackS || t > to + slackS) continue;
      const { confidence } = nearest(points, t);
      if (confidence > (best?.confidence ?? -1)) best = { name, confidence };
    }
  return best;
}

/**
 * @param {Point[]} points  in order, at least one
 * @param {number} t
 */
function nearest(points, t) {
  let [low, high] = [0, points.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle].t <= t) low = middle;
    else high = middle;
  }
  return t - points[low].t <= points[high].t - t ? points[low] : points[high];
}

/**
 * Seconds in which anything was seen.
 * @param {Lane[]} lanes
 * @param {number} frameS
 */
export function seenS(lanes, frameS) {
  const spans = lanes.flatMap((lane) => lane.spans).sort((a, b) => a.from - b.from);
  let [sum, until] = [0, -Infinity];
  for (const { from, to } of spans) {
    const end = to + frameS; // a frame is seen until the next one
    sum += Math.max(0, end - Math.max(from, until));
    until = Math.max(until, end);
  }
  return sum;
}

/**
 * A span as the path of an area, 1000 wide for the whole video and `height` high for 100 %.
 * @param {Span} span
 * @param {{durationS: number, height: number, frameS: number}} size
 */
export function areaPath({ from, to, points }, { durationS, height, frameS }) {
  const x = (/** @type {number} */ t) => (Math.min(durationS, t) / durationS) * WIDTH;
  /** @type {Map<number, number>} */
  const columns = new Map();
  for (const { t, confidence } of points) {
    const column = Math.round(x(t));
    columns.set(column, Math.max(confidence, columns.get(column) ?? 0));
  }
  const tops = [...columns].map(([column, confidence]) => `L${column} ${((1 - confidence) * height).toFixed(1)}`);
  const end = Math.max(x(to + frameS), x(from) + 2); // never too thin to be seen
  const last = tops.at(-1)?.replace(/^L[\d.]+/, `L${end.toFixed(1)}`);
  return `M${x(from).toFixed(1)} ${height}${tops.join("")}${last}L${end.toFixed(1)} ${height}Z`;
}
