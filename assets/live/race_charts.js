// @ts-check
// The curves of all lanes on common axes: one chart of the distance, one of the likeness with the finish line.
/** @import { Rest } from "./charts.js" */
/** @import { Lane } from "./lane.js" */
/** @import { Label, Line } from "./plot.js" */
/** @import { Race } from "./race.js" */
import { Charts } from "./charts.js";
import { place } from "./lane.js";
import { small, threshold } from "./words.js";

const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const APART = 14;
const BESIDE = 0.07;

/** @typedef {Line & { lane: Lane }} LaneLine */

export class RaceCharts extends Charts {
  /**
   * The colour and the dashes of a lane, and its strokes as a border for the legend beside its picture.
   * @param {Lane} lane
   */
  line({ number }) {
    const [color, dash] = [this.colours[(number - 1) % this.colours.length], DASHES[(number - 1) % DASHES.length]];
    return { color, width: 2.5, dash: number > this.colours.length ? "dot" : dash };
  }

  /** In no lane's colour. */
  get threshold() {
    return this.ground;
  }

  /**
   * By number: the names stand beside the pictures.
   * @param {HTMLElement} node
   * @param {any[]} entries
   */
  legend(node, entries) {
    super.legend(node, entries.map(({ name, line, lane }) => ({ name: lane ? String(lane.number) : name, line })));
  }

  /** @param {any} race */
  losses(race) {
    return this.lines(race, "distance", small);
  }

  /**
   * Likeness, or SSIM of runs that were stored without one.
   * @param {any} race
   */
  quality(race) {
    const likened = (/** @type {Lane} */ { trace }) => trace.frames.some(({ metrics }) => metrics?.likeness != null);
    const scored = race.lanes.some(likened);
    return this.lines(race, scored ? "likeness" : "ssim", (y) => y.toFixed(2));
  }

  /**
   * @param {Race} race
   * @param {string} metric
   * @param {(y: number) => string} say
   * @returns {LaneLine[]}
   */
  lines({ lanes, by }, metric, say) {
    return lanes.map((lane) => {
      const { frames } = lane.trace;
      const x = frames.map((frame) => place(frame, by));
      const y = frames.map((frame) => frame.metrics?.[metric] ?? null);
      return { x, y, name: `${lane.number} ${lane.name}`, say, line: this.line(lane), lane };
    });
  }

  /** @param {any[]} lines */
  logarithmic(lines) {
    const rest = super.logarithmic(lines, null);
    const [low, high] = rest.left.range;
    const labels = ends(lines, this.plots.losses, (y) => (Math.log10(Math.max(y, 1e-30)) - low) / (high - low));
    return { ...rest, labels };
  }

  /**
   * @param {any[]} lines
   * @returns {Rest}
   */
  twofold(lines) {
    const y = threshold();
    const crossed = lines.filter(({ lane }) => lane.crossing).map(({ lane, x, line }) => (
      { x: x[lane.trace.frames.indexOf(lane.crossing)], y, line: { ...line, width: 1, dash: "dot" } }));
    return {
      left: { range: [0, 1], step: 0.25 },
      marks: [{ y, line: this.threshold }, ...crossed],
      labels: ends(lines, this.plots.quality, (value) => value),
      free: false,
    };
  }
}

/**
 * Each lane's number beside the end of its line, no two on top of each other where ends are near.
 * @param {LaneLine[]} lines
 * @param {{ height: number }} plot
 * @param {(y: number) => number} height the share of the chart's height at which a value lies
 * @returns {Label[]}
 */
export function ends(lines, plot, height) {
  const apart = Math.min(APART / Math.max(APART, plot.height), 1 / lines.length);
  const found = lines.flatMap(({ x, y, line: { color }, lane }) => {
    const [last, value] = [x.at(-1), y.at(-1)];
    if (last === undefined || typeof value !== "number") return [];
    const end = Math.min(1, Math.max(0, height(value)));
    return [{ x: last, end, at: end, text: String(lane.number), color }];
  });
  const near = BESIDE * Math.max(...found.map(({ x }) => x));
  /** @type {(index: number) => number[]} */
  const passed = (index) => (
    found.slice(0, index).filter(({ x }) => Math.abs(x - found[index].x) < near).map(({ at }) => at));
  found.sort((one, other) => one.at - other.at);
  found.forEach((label, index) => {
    label.at = Math.max(label.at, ...passed(index).map((at) => at + apart));
  });
  found.reverse().forEach((label, index) => {
    label.at = Math.min(label.at, 1, ...passed(index).map((at) => at - apart));
  });
  return found;
}
