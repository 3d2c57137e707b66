// @ts-check
// The two charts of the view, which live as long as it: the losses, and how near the guess is to the private picture.
/** @import { Axis, Figure, Label, Line, Mark, Range, Stroke } from "./plot.js" */
/** @import { Trace } from "./trace.js" */
/** @import { Find } from "./types" */
import { translate } from "./language.js";
import { Plot } from "./plot.js";
import { small, threshold } from "./words.js";

const POINTS = 1500;
const FLOOR = "Private picture";
const WAITING = "Drawn here during a run";

/** @typedef {"losses" | "quality"} Name */
/** @typedef {{ name: string, line: Stroke }} Entry */
/** @typedef {{ left: Axis, right?: Axis, marks: Mark[], labels: Label[], free: boolean }} Rest of a figure */

export class Charts {
  /** @type {{ x: Range | null, losses?: Range }} */
  zoom = { x: null };
  /** @type {string[]} */
  colours = [];

  /**
   * @param {HTMLElement} root
   * @param {Find} find
   * @param {() => void} redraw
   */
  constructor(root, find, redraw) {
    this.root = root;
    this.redraw = redraw;
    this.unzoom = find("unzoom");
    const plot = (/** @type {Name} */ name) => (
      new Plot(find(name), (x, y) => this.remember(x, y), () => this.reset()));
    this.plots = { losses: plot("losses"), quality: plot("quality") };
    /** @type {Record<Name, HTMLElement>} */
    this.legends = { losses: find("losses-legend"), quality: find("quality-legend") };
    this.unzoom.addEventListener("click", () => this.reset());
    this.theme();
  }

  /**
   * Draws both charts.
   * @param {Trace} trace
   * @param {number | null} shown
   * @param {number} horizon
   */
  draw(trace, shown, horizon) {
    this.plots.losses.draw(this.figure("losses", trace, shown, horizon));
    this.plots.quality.draw(this.figure("quality", trace, shown, horizon));
  }

  /**
   * @param {Range} x
   * @param {Range | null} losses
   */
  remember(x, losses) {
    this.zoom = { ...this.zoom, x, ...losses && { losses } };
    this.unzoom.hidden = false;
    this.redraw();
  }

  reset() {
    this.zoom = { x: null };
    this.unzoom.hidden = true;
    this.redraw();
  }

  /**
   * @param {Name} name
   * @param {Trace} trace
   * @param {number | null} shown
   * @param {number} horizon
   * @returns {Figure}
   */
  figure(name, trace, shown, horizon) {
    const lines = name === "losses" ? this.losses(trace) : this.quality(trace);
    const { floor } = trace;
    const level = name === "losses" ? floor && FLOOR : "recognisable ↑";
    const line = name === "losses" ? this.ground : this.threshold;
    this.legend(this.legends[name], level ? [...lines, { name: level, line }] : lines);
    const rest = name === "losses" ? this.logarithmic(lines, floor) : this.twofold(lines);
    const now = shown === null ? [] : [{ x: shown, line: { color: "currentColor", width: 1.5 } }];
    const hint = lines.some(({ y }) => y.length) ? "" : translate(WAITING);
    return { ...rest, lines, x: { range: this.zoom.x ?? [0, horizon] }, marks: [...now, ...rest.marks], hint };
  }

  /**
   * @param {HTMLElement} node
   * @param {Entry[]} entries
   */
  legend(node, entries) {
    const key = JSON.stringify(entries.map(({ name, line }) => [name, line]));
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    node.replaceChildren(...entries.map(({ name, line }) => {
      const said = { className: "gl-entry", textContent: translate(name) };
      const entry = Object.assign(document.createElement("span"), said);
      const broken = ["dot", "dash"].includes(line.dash ?? "");
      entry.style.setProperty("--gl-stroke", `${broken ? "dotted" : "solid"} ${line.color}`);
      return entry;
    }));
  }

  /**
   * @param {Trace} trace
   * @returns {Line[]}
   */
  losses({ iterations, columns }) {
    return Object.keys(columns).map((name, index) => {
      const color = this.colours[index % this.colours.length];
      const line = name === "best" ? { color, width: 1.5, dash: "dot" } : { color, width: 2, dash: "solid" };
      return { ...thinned(iterations, columns[name]), name: spoken(name), line, say: small };
    });
  }

  /** @returns {Stroke} */
  get ground() {
    return { color: "currentColor", width: 1, dash: "dash" };
  }

  /** @returns {Stroke} */
  get threshold() {
    return { color: this.colours[1], width: 1, dash: "dash" };
  }

  /**
   * @param {Trace} trace
   * @returns {Line[]}
   */
  quality({ frames }) {
    const at = frames.map((frame) => frame.iteration);
    const points = (/** @type {string} */ metric) => (
      thinned(at, frames.map((frame) => frame.metrics?.[metric] ?? null)));
    const stroke = (/** @type {number} */ index) => ({ color: this.colours[index], width: 2.5 });
    const former = frames.length > 0 && frames[0].metrics?.likeness === undefined;
    const [right, name] = former ? ["ssim", "SSIM"] : ["likeness", "Likeness"];
    return [
      { ...points("psnr"), name: "PSNR, left", line: stroke(0), say: (y) => `${y.toFixed(1)} dB` },
      { ...points(right), name, line: stroke(1), say: (y) => y.toFixed(2), right: true },
    ];
  }

  /**
   * The axis of the losses, and the floor that a defence has raised.
   * @param {Line[]} lines
   * @param {number | null} floor
   * @returns {Rest}
   */
  logarithmic(lines, floor) {
    const left = { range: this.zoom.losses ?? decades(lines), log: true };
    return { left, marks: floor ? [{ y: floor, line: this.ground }] : [], labels: [], free: true };
  }

  /**
   * The axes of PSNR and likeness and the line above which a picture is recognisable.
   * @param {Line[]} lines
   * @returns {Rest}
   */
  twofold(lines) {
    const top = Math.max(40, 20 * Math.ceil(highest(lines[0].y) / 20));
    return {
      left: { range: [0, top], step: top / 4 },
      right: { range: [0, 1], step: 0.25 },
      marks: [{ y: threshold(), right: true, line: this.threshold }],
      labels: [],
      free: false,
    };
  }

  theme() {
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").trim();
    this.colours = (colours || "#0b6e6a,#c2571a,#2563a8").split(",");
  }

  purge() {
    this.plots.losses.close();
    this.plots.quality.close();
  }
}

/** @param {(number | null)[]} values */
const highest = (values) => Math.max(0, ...values.map((value) => value ?? 0));

/**
 * Whole powers of ten around all positive values, so that the axis seldom moves.
 * @param {Line[]} lines
 * @returns {Range}
 */
function decades(lines) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of lines.flatMap(({ y }) => y)) {
    if (value !== null && value > 0) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (high < low) return [-4, 0];
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return [from, Math.max(to, from + 1)];
}

/**
 * At most POINTS points and the last: the lowest and the highest of each stretch, so that no dip and no spike is lost.
 * @param {number[]} x
 * @param {(number | null)[]} y
 */
export function thinned(x, y) {
  if (x.length <= POINTS) return { x, y };
  const stretch = Math.ceil((2 * x.length) / POINTS);
  const value = (/** @type {number} */ index) => y[index] ?? NaN;
  const kept = new Set([x.length - 1]);
  for (let from = 0; from < x.length; from += stretch) {
    let [low, high] = [from, from];
    for (let index = from; index < Math.min(from + stretch, x.length); index += 1) {
      if (value(index) < value(low) || Number.isNaN(value(low))) low = index;
      if (value(index) > value(high) || Number.isNaN(value(high))) high = index;
    }
    kept.add(low).add(high);
  }
  const chosen = [...kept].sort((one, other) => one - other);
  return { x: chosen.map((index) => x[index]), y: chosen.map((index) => y[index] ?? null) };
}

/**
 * "TotalVariation" and "total_variation" as "Total variation".
 * @param {string} name
 */
function spoken(name) {
  if (name === "best") return "Best";
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
}
