// @ts-check
// The curves of all lanes on common axes: one chart of the distance, one of the SSIM with the finish line.
/** @import { Lane } from "./lane.js" */
/** @import { Race } from "./race.js" */
import { Charts } from "./charts.js";
import { place } from "./lane.js";
import { threshold } from "./words.js";

const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const NEAREST = 0.085;

export class RaceCharts extends Charts {
  /**
   * The colour and the dashes of a lane, and its strokes as a border for the legend beside its picture.
   * @param {Lane} lane
   */
  line({ number }) {
    const [color, dash] = [this.colours[(number - 1) % this.colours.length], DASHES[(number - 1) % DASHES.length]];
    return { color, width: 2.5, dash: number > this.colours.length ? "dot" : dash };
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
    return this.lines(race, "distance", "%{y:.3g}");
  }

  /**
   * Likeness, or SSIM of runs that were stored without one.
   * @param {any} race
   */
  quality(race) {
    const likened = (/** @type {Lane} */ { trace }) => trace.frames.some(({ metrics }) => metrics?.likeness != null);
    const scored = race.lanes.some(likened);
    return this.lines(race, scored ? "likeness" : "ssim", "%{y:.2f}");
  }

  /**
   * @param {Race} race
   * @param {string} metric
   * @param {string} hovertemplate
   */
  lines({ lanes, by }, metric, hovertemplate) {
    return lanes.map((lane) => {
      const { frames } = lane.trace;
      const x = frames.map((frame) => place(frame, by));
      const y = frames.map((frame) => frame.metrics?.[metric] ?? null);
      return { x, y, name: `${lane.number} ${lane.name}`, mode: "lines", hovertemplate, line: this.line(lane), lane };
    });
  }

  /**
   * @param {any} layout
   * @param {any[]} lines
   */
  logarithmic(layout, lines) {
    const whole = super.logarithmic(layout, lines, null);
    const [low, high] = whole.yaxis.range;
    return labelled(whole, lines, (y) => (Math.log10(Math.max(y, 1e-30)) - low) / (high - low));
  }

  /**
   * @param {any} layout
   * @param {any[]} lines
   */
  twofold(layout, lines) {
    const from = threshold();
    const level = { type: "line", xref: "paper", x0: 0, x1: 1, y0: from, y1: from, line: this.threshold };
    const crossed = lines.filter(({ lane }) => lane.crossing).map(({ lane, x, y, line }) => {
      const at = x[lane.trace.frames.indexOf(lane.crossing)];
      return { type: "line", x0: at, x1: at, y0: 0, y1: from, line: { ...line, width: 1, dash: "dot" } };
    });
    const yaxis = { ...this.axis, range: [0, 1], dtick: 0.25, fixedrange: true };
    const whole = { ...layout, yaxis, shapes: [...layout.shapes, level, ...crossed] };
    return labelled(whole, lines, (y) => y);
  }
}

/**
 * With each lane's number at the end of its line, no two on top of each other.
 * @param {any} layout
 * @param {any[]} lines
 * @param {(y: number) => number} height the share of the chart's height at which a value lies
 */
function labelled(layout, lines, height) {
  const ends = lines.filter(({ y }) => typeof y.at(-1) === "number")
    .map(({ x, y, line, lane }) => ({ x: x.at(-1), at: Math.min(1, Math.max(0, height(y.at(-1)))), line, lane }))
    .sort((one, other) => one.at - other.at);
  ends.forEach((end, index) => {
    if (index) end.at = Math.max(end.at, ends[index - 1].at + NEAREST);
  });
  ends.reverse().forEach((end, index) => {
    end.at = Math.min(end.at, 1 - index * NEAREST);
  });
  const annotations = ends.map(({ x, at, line, lane }) => ({
    xref: "x", yref: "paper", x, y: at, xshift: 4, xanchor: "left", yanchor: "middle", showarrow: false,
    text: `<b>${lane.number}</b>`, font: { color: line.color, size: 15 },
  }));
  return { ...layout, annotations: [...layout.annotations, ...annotations] };
}
