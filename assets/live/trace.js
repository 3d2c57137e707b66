// @ts-check
/** @import { Column, Curve, Frame, Head } from "./types" */

/** The share of the distance of an update of zeros below which a floor is not drawn. */
const FAINTEST = 1e-4;

/** All that has been heard of one run: the curve of every iteration, the numbers of every frame, the newest head. */
export class Trace {
  /** @type {Head} */
  head = { status: "ready" };
  /** @type {number[]} */
  iterations = [];
  /** @type {Record<string, Column>} */
  columns = {};
  /** @type {Frame[]} */
  frames = [];
  /** @type {[seconds: number, iteration: number][]} */
  marks = [];

  /**
   * @param {Head} head
   * @param {number} now a clock in seconds: the wall's for a live run, so that a slowed run is seen to be slow
   */
  add(head, now) {
    this.head = { ...this.head, ...head };
    this.addCurve(head.curve ?? {});
    for (const frame of head.frames ?? []) {
      if (frame.iteration > (this.frames.at(-1)?.iteration ?? -1)) this.frames.push(frame);
    }
    if (this.head.status !== "running") this.marks = [];
    else this.marks.push([now, this.last]);
    while (this.marks.length > 2 && now - this.marks[1][0] > 3) this.marks.shift();
  }

  /** @param {Curve} curve */
  addCurve({ first = 1, iterations, columns = {} }) {
    const length = Math.max(0, ...Object.values(columns).map((column) => column.length));
    const known = this.last;
    const had = this.iterations.length;
    for (let index = 0; index < length; index += 1) {
      const iteration = iterations?.[index] ?? first + index;
      if (iteration <= known) continue;
      const at = this.iterations.push(iteration) - 1;
      for (const [name, column] of Object.entries(columns)) {
        (this.columns[name] ??= new Array(had).fill(null))[at] = column[index];
      }
    }
  }

  /** Nothing is known of the run while its server does not answer, neither that it goes on nor how long it takes. */
  lose() {
    this.head.status = "loading";
    this.marks = [];
  }

  get last() {
    return this.iterations.at(-1) ?? 0;
  }

  /** The distance at the private picture itself, where a defence keeps it from zero. */
  get floor() {
    const { floor = 0, zeros = 0 } = this.head.result?.evidence ?? {};
    return floor > FAINTEST * zeros ? floor : null;
  }

  /** Iterations a second over the last three seconds without a pause. */
  get rate() {
    const [from, to] = [this.marks[0], this.marks.at(-1)];
    return from && to && to[0] > from[0] ? (to[1] - from[1]) / (to[0] - from[0]) : 0;
  }

  /**
   * Where the time axis ends: a round number a little ahead, so that it seldom moves; the last iteration at the end.
   * @param {boolean} ended
   */
  horizon(ended) {
    if (ended) return this.last || 25;
    const steps = this.head.steps || Infinity;
    let end = 25;
    while (end < this.last) end *= 2;
    return Math.min(end, steps);
  }

  /**
   * The index of the newest frame at or before an iteration (0 if none).
   * @param {number} iteration
   */
  index(iteration) {
    return Math.max(0, this.frames.findLastIndex((frame) => frame.iteration <= iteration));
  }

  /**
   * At most `slots` frames, each later than the one before by the same factor, because a picture forms in the first
   * iterations. While running they are planned up to an end that only ever doubles, so few change.
   * @param {number} slots
   * @param {boolean} ended
   */
  spread(slots, ended) {
    if (this.frames.length <= slots) return this.frames;
    const [start, last] = [Math.max(1, this.frames[0].iteration), this.frames[this.frames.length - 1].iteration];
    const end = ended ? last : start * 2 ** Math.ceil(Math.log2(last / start));
    const wanted = ladder(start, end, slots).filter((iteration) => iteration <= last);
    return [...new Set(wanted.map((iteration) => this.index(iteration)))].map((index) => this.frames[index]);
  }
}

/**
 * Whole numbers from `start` to `end`, each the same factor above the one before: as many as there can be, at most
 * `slots`, now that small ones fall together.
 * @param {number} start
 * @param {number} end
 * @param {number} slots
 */
function ladder(start, end, slots) {
  let [rungs, steps] = [[start, end], 1];
  for (let next = rungs; next.length <= slots && steps <= end; steps += 1) {
    rungs = next;
    const factor = (end / start) ** (1 / (steps + 1));
    next = [...new Set(Array.from({ length: steps + 2 }, (_, step) => Math.round(start * factor ** step)))];
  }
  return rungs;
}
