// @ts-check
// Two Plotly figures that live as long as the view: one newPlot each, then react with the same arrays.
/** @import { Trace } from "./trace.js" */
/** @import { Find } from "./types" */
import { threshold } from "./words.js";

const POINTS = 1500;
const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, scrollZoom: false, showTips: false };

const FLOOR = "Distance at the private image";
const WAITING = { text: "Drawn here during a run", xref: "paper", yref: "paper", x: 0.5, y: 0.25, showarrow: false };

/** @typedef {"losses" | "quality"} Name */
/** @typedef {{ name: string, line: { color: string, width: number, dash?: string } }} Entry */
/** @typedef {Entry & { x: number[], y: (number | null)[], [more: string]: unknown }} Line */

/** @type {Promise<any> | undefined} */
let library;

/**
 * Plotly, loaded once for the page however many views it has.
 * @param {string} address
 * @returns {Promise<any>}
 */
export function plotly(address) {
  library ??= new Promise((resolve, reject) => {
    /** @type {any} */
    const page = window;
    if (page.Plotly) return resolve(page.Plotly);
    const script = Object.assign(document.createElement("script"), { src: address, async: true });
    script.onload = () => resolve(page.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

export class Charts {
  /** @type {{ x: number[] | null, losses?: number[] }} */
  zoom = { x: null };
  /** @type {string | null} the chart that is being dragged */
  held = null;
  revision = 0;
  ready = false;
  gone = false;
  /** @type {any} */
  Plotly = null;
  text = "";
  paper = "";
  grid = "";
  font = "";
  /** @type {string[]} */
  colours = [];
  coarse = false;

  /**
   * @param {HTMLElement} root
   * @param {Find} find
   * @param {() => void} redraw
   */
  constructor(root, find, redraw) {
    this.root = root;
    this.redraw = redraw;
    this.unzoom = find("unzoom");
    /** @type {Record<Name, any>} */
    this.nodes = { losses: find("losses"), quality: find("quality") };
    /** @type {Record<Name, HTMLElement>} */
    this.legends = { losses: find("losses-legend"), quality: find("quality-legend") };
    this.unzoom.addEventListener("click", () => this.reset());
    this.resizing = new ResizeObserver(() => this.ready && this.resize());
    window.addEventListener("pointerup", this.release);
  }

  release = () => {
    this.held = null;
    this.redraw();
  };

  /** @returns {[Name, any][]} */
  get charts() {
    return [["losses", this.nodes.losses], ["quality", this.nodes.quality]];
  }

  /**
   * @param {string} address
   * @param {Trace} trace
   */
  async start(address, trace) {
    this.Plotly = await plotly(address);
    this.theme();
    for (const [name, node] of this.charts) {
      if (this.gone) return;
      await this.Plotly.newPlot(node, ...this.figure(name, trace, null, 25), CONFIG);
      node.addEventListener("pointerdown", () => { this.held = name; }, true);
      node.on("plotly_relayout", (/** @type {object} */ change) => this.remember(name, change));
      node.on("plotly_doubleclick", () => this.reset());
      this.resizing.observe(node);
    }
    this.ready = true;
    this.redraw();
  }

  /**
   * Draws both charts; one being dragged waits, or the drag would be lost.
   * @param {Trace} trace
   * @param {number | null} shown
   * @param {number} horizon
   */
  draw(trace, shown, horizon) {
    if (!this.ready) return;
    this.revision += 1;
    for (const [name, node] of this.charts) {
      if (name !== this.held) this.Plotly.react(node, ...this.figure(name, trace, shown, horizon), CONFIG);
    }
  }

  /**
   * @param {Name} name
   * @param {object} change
   */
  remember(name, change) {
    if (!("xaxis.range[0]" in change || "yaxis.range[0]" in change)) return;
    const { xaxis, yaxis } = this.nodes[name].layout;
    this.zoom = { x: [...xaxis.range] };
    if (name === "losses") this.zoom.losses = [...yaxis.range];
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
   */
  figure(name, trace, shown, horizon) {
    const lines = name === "losses" ? this.losses(trace) : this.quality(trace);
    const { floor } = trace;
    const level = name === "losses" ? floor && FLOOR : "recognisable ↑";
    const line = name === "losses" ? this.ground : this.threshold;
    this.legend(this.legends[name], level ? [...lines, { name: level, line }] : lines);
    const layout = this.layout(name, lines, shown, horizon);
    return [lines, name === "losses" ? this.logarithmic(layout, lines, floor) : this.twofold(layout, lines)];
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
      const entry = Object.assign(document.createElement("span"), { className: "gl-entry", textContent: name });
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
      const points = thinned(iterations, columns[name]);
      return { ...points, name: spoken(name), mode: "lines", hovertemplate: "%{y:.3g}", line };
    });
  }

  get ground() {
    return { color: this.text, width: 1, dash: "dash" };
  }

  get threshold() {
    return { color: this.colours[1], width: 1, dash: "dash" };
  }

  /**
   * @param {Trace} trace
   * @returns {Line[]}
   */
  quality({ frames }) {
    const at = frames.map((frame) => frame.iteration);
    /** @type {(metric: string, color: string, more: { name: string, [more: string]: string }) => Line} */
    const series = (metric, color, more) => {
      const points = thinned(at, frames.map((frame) => frame.metrics?.[metric] ?? null));
      return { ...points, ...more, mode: "lines", line: { color, width: 2.5 } };
    };
    const former = frames.length > 0 && frames[0].metrics?.likeness === undefined;
    const [right, name] = former ? ["ssim", "SSIM"] : ["likeness", "Likeness"];
    return [
      series("psnr", this.colours[0], { name: "PSNR, left", yaxis: "y", hovertemplate: "%{y:.1f} dB" }),
      series(right, this.colours[1], { name, yaxis: "y2", hovertemplate: "%{y:.2f}" }),
    ];
  }

  get axis() {
    return { gridcolor: this.grid, linecolor: this.grid, tickcolor: this.grid, zeroline: false };
  }

  /**
   * What both charts have.
   * @param {Name} name
   * @param {Line[]} lines
   * @param {number | null} shown
   * @param {number} horizon
   */
  layout(name, lines, shown, horizon) {
    return {
      datarevision: this.revision,
      height: this.nodes[name].clientHeight,
      margin: { l: 48, r: name === "losses" ? 20 : 40, t: 8, b: 26 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: this.font, size: 13, color: this.text },
      dragmode: this.coarse ? false : "zoom",
      hovermode: "x unified",
      hoverlabel: { bgcolor: this.paper, font: { color: this.text } },
      showlegend: false,
      shapes: upright(shown, this.text),
      annotations: lines.some(({ y }) => y.length) ? [] : [WAITING],
      xaxis: { ...this.axis, range: this.zoom.x ?? [0, horizon], nticks: 7, fixedrange: this.coarse },
    };
  }

  /**
   * With the axis of the losses, and the floor that a defence has raised.
   * @param {{ shapes: object[] }} layout
   * @param {Line[]} lines
   * @param {number | null} floor
   */
  logarithmic(layout, lines, floor) {
    const range = this.zoom.losses ?? decades(lines);
    const wide = range[1] - range[0];
    const ticks = wide < 1 ? { nticks: 4 } : { dtick: Math.max(1, Math.ceil(wide / 5)) };
    const yaxis = { ...this.axis, type: "log", exponentformat: "power", fixedrange: this.coarse, range, ...ticks };
    const level = { type: "line", xref: "paper", x0: 0, x1: 1, y0: floor, y1: floor, line: this.ground };
    return { ...layout, yaxis, shapes: floor ? [...layout.shapes, level] : layout.shapes };
  }

  /**
   * With the axes of PSNR and likeness and the line above which a picture is recognisable.
   * @param {{ shapes: object[] }} layout
   * @param {Line[]} lines
   */
  twofold(layout, lines) {
    const top = Math.max(40, 20 * Math.ceil(highest(lines[0].y) / 20));
    const from = threshold();
    const level = { type: "line", xref: "paper", yref: "y2", x0: 0, x1: 1, y0: from, y1: from, line: this.threshold };
    const right = { overlaying: "y", side: "right", range: [0, 1], dtick: 0.25, fixedrange: true, showgrid: false };
    return {
      ...layout,
      shapes: [...layout.shapes, level],
      yaxis: { ...this.axis, range: [0, top], dtick: top / 4, fixedrange: true },
      yaxis2: { ...this.axis, ...right },
    };
  }

  theme() {
    const style = getComputedStyle(this.root);
    /** @type {(name: string, otherwise: string) => string} */
    const read = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
    this.text = read("text-color", "#31333f");
    this.paper = read("background-color", "#ffffff");
    this.grid = read("border-color", "rgba(128,128,128,0.3)");
    this.font = style.fontFamily;
    this.colours = read("chart-categorical-colors", "#0b6e6a,#c2571a,#2563a8").split(",");
    this.coarse = matchMedia("(pointer: coarse)").matches;
  }

  resize() {
    for (const [, node] of this.charts) if (node.offsetWidth) this.Plotly.Plots.resize(node);
  }

  purge() {
    this.gone = true;
    this.ready = false;
    this.resizing.disconnect();
    window.removeEventListener("pointerup", this.release);
    for (const [, node] of this.charts) this.Plotly?.purge(node);
  }
}

/**
 * The upright line at the iteration on show.
 * @param {number | null} shown
 * @param {string} color
 * @returns {object[]}
 */
function upright(shown, color) {
  if (shown === null) return [];
  return [{ type: "line", x0: shown, x1: shown, yref: "paper", y0: 0, y1: 1, line: { color, width: 1.5 } }];
}

/** @param {(number | null)[]} values */
const highest = (values) => Math.max(0, ...values.map((value) => value ?? 0));

/**
 * Whole powers of ten around all positive values, so that the axis seldom moves.
 * @param {Line[]} lines
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
 * Every n-th point, so that no line has more than POINTS; the last is always kept.
 * @param {number[]} x
 * @param {(number | null)[]} y
 */
function thinned(x, y) {
  const stride = Math.ceil(x.length / POINTS);
  if (stride <= 1) return { x, y };
  /** @type {(value: unknown, index: number) => boolean} */
  const keep = (_, index) => index % stride === 0 || index === x.length - 1;
  return { x: x.filter(keep), y: y.filter(keep) };
}

/**
 * "TotalVariation" and "total_variation" as "Total variation".
 * @param {string} name
 */
function spoken(name) {
  if (name === "best") return "Best so far";
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
}
