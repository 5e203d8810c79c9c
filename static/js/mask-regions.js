// @ts-check
/** The regions of a mask as they are edited: corners in percent of the picture, one of them chosen, each step can be taken back. */

/** @typedef {import("./types.js").Region} Region */
/** @typedef {{regions: Region[], open: [number, number][] | null}} Drawing  `open` is a region of which not all corners are set */

export const MOST_CORNERS = 64;
const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, Math.round(value * 1000) / 1000));

/** Dispatches "change". */
export class MaskRegions extends EventTarget {
  /** @type {Drawing} */
  #now;
  /** @type {Drawing[]} */
  #past = [];
  /** @type {Drawing[]} */
  #future = [];
  #key = "";
  /** @type {"ignore" | "watch"} */
  kind = "ignore";

  /** @param {Region[]} regions */
  constructor(regions) {
    super();
    this.#now = { regions: structuredClone(regions), open: null };
  }

  get regions() {
    return this.#now.regions;
  }

  /** The corners of the region that is being drawn. */
  get open() {
    return this.#now.open;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /**
   * Adds a corner to the region that is being drawn, or begins one.
   * @param {number} x
   * @param {number} y
   */
  draw(x, y) {
    this.#change("", (drawing) => {
      if ((drawing.open?.length ?? 0) < MOST_CORNERS) drawing.open = [...(drawing.open ?? []), [clamp(x), clamp(y)]];
    });
  }

  /** Closes the region that is being drawn; false where it has too few corners. */
  close() {
    const { open } = this.#now;
    if (!open || open.length < 3) return false;
    this.add(open);
    return true;
  }

  /** @param {[number, number][]} [points]  the middle of the picture by default */
  add(points = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]) {
    this.#change("", (drawing) => {
      drawing.regions.push({ kind: this.kind, points });
      drawing.open = null;
    });
  }

  /** Gives up the region that is being drawn. */
  giveUp() {
    if (this.open) this.#change("", (drawing) => (drawing.open = null));
  }

  /**
   * Moves a corner; moves of one corner that follow each other are one step.
   * @param {number} region
   * @param {number} corner
   * @param {[number, number]} to
   */
  move(region, corner, [x, y]) {
    this.#change(`${region}/${corner}`, ({ regions }) => (regions[region].points[corner] = [clamp(x), clamp(y)]));
  }

  /**
   * Adds a corner half-way to the next one.
   * @param {number} region
   * @param {number} corner
   */
  insert(region, corner) {
    const { points } = this.regions[region];
    if (points.length >= MOST_CORNERS) return false;
    const [[x1, y1], [x2, y2]] = [points[corner], points[(corner + 1) % points.length]];
    this.#change("", ({ regions }) => regions[region].points.splice(corner + 1, 0, [clamp((x1 + x2) / 2), clamp((y1 + y2) / 2)]));
    return true;
  }

  /**
   * Removes a corner; a region that would have two left goes.
   * @param {number} region
   * @param {number} corner
   */
  removeCorner(region, corner) {
    if (this.regions[region].points.length <= 3) return this.remove(region);
    this.#change("", ({ regions }) => regions[region].points.splice(corner, 1));
  }

  /** @param {number} region */
  remove(region) {
    this.#change("", ({ regions }) => regions.splice(region, 1));
  }

  /**
   * @param {number} region
   * @param {"ignore" | "watch"} kind
   */
  setKind(region, kind) {
    this.#change("", ({ regions }) => (regions[region].kind = kind));
  }

  undo() {
    this.#step(this.#past, this.#future);
  }

  redo() {
    this.#step(this.#future, this.#past);
  }

  /** The next move is a step of its own. */
  settle() {
    this.#key = "";
  }

  /**
   * @param {Drawing[]} from
   * @param {Drawing[]} to
   */
  #step(from, to) {
    const drawing = from.pop();
    if (!drawing) return;
    to.push(this.#now);
    this.#now = drawing;
    this.#key = "";
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {string} key  changes with the same one are one step
   * @param {(drawing: Drawing) => unknown} change
   */
  #change(key, change) {
    if (!key || key !== this.#key) this.#past.push(structuredClone(this.#now));
    this.#key = key;
    this.#future = [];
    change(this.#now);
    this.dispatchEvent(new Event("change"));
  }
}
