// Two Plotly figures that live as long as the view: one newPlot each, then react with the same arrays.
const POINTS = 1500;
const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, scrollZoom: false, showTips: false };

const WAITING = { text: "Drawn here during a run", xref: "paper", yref: "paper", x: 0.5, y: 0.25, showarrow: false };

let library;

/** Plotly, loaded once for the page however many views it has. */
export function plotly(address) {
  library ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = Object.assign(document.createElement("script"), { src: address, async: true });
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

export class Charts {
  zoom = { x: null };

  constructor(root, find, redraw) {
    Object.assign(this, { root, redraw, unzoom: find("unzoom") });
    this.nodes = { losses: find("losses"), quality: find("quality") };
    this.legends = { losses: find("losses-legend"), quality: find("quality-legend") };
    this.unzoom.addEventListener("click", () => this.reset());
    this.held = null;
    this.revision = 0;
    this.resizing = new ResizeObserver(() => this.ready && this.resize());
    window.addEventListener("pointerup", this.release);
  }

  release = () => {
    this.held = null;
    this.redraw();
  };

  async start(address, trace) {
    this.Plotly = await plotly(address);
    this.theme();
    for (const [name, node] of Object.entries(this.nodes)) {
      if (this.gone) return;
      await this.Plotly.newPlot(node, ...this.figure(name, trace, null, 25), CONFIG);
      node.addEventListener("pointerdown", () => { this.held = name; }, true);
      node.on("plotly_relayout", (change) => this.remember(name, change));
      node.on("plotly_doubleclick", () => this.reset());
      this.resizing.observe(node);
    }
    this.ready = true;
    this.redraw();
  }

  /** Draws both charts; one being dragged waits, or the drag would be lost. */
  draw(trace, shown, horizon) {
    if (!this.ready) return;
    this.revision += 1;
    for (const [name, node] of Object.entries(this.nodes)) {
      if (name !== this.held) this.Plotly.react(node, ...this.figure(name, trace, shown, horizon), CONFIG);
    }
  }

  remember(name, change) {
    if (!("xaxis.range[0]" in change || "yaxis.range[0]" in change)) return;
    const { xaxis, yaxis } = this.nodes[name].layout;
    this.zoom = { x: [...xaxis.range], ...(name === "losses" ? { losses: [...yaxis.range] } : {}) };
    this.unzoom.hidden = false;
    this.redraw();
  }

  reset() {
    this.zoom = { x: null };
    this.unzoom.hidden = true;
    this.redraw();
  }

  figure(name, trace, shown, horizon) {
    const traces = name === "losses" ? this.losses(trace) : this.quality(trace);
    this.legend(this.legends[name], name === "losses" ? traces : [...traces, { name: "recognisable ↑", line: this.threshold }]);
    return [traces, this.layout(name, traces, shown, horizon)];
  }

  legend(node, traces) {
    const key = JSON.stringify(traces.map(({ name, line }) => [name, line]));
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    node.replaceChildren(...traces.map(({ name, line }) => {
      const entry = Object.assign(document.createElement("span"), { className: "gl-entry", textContent: name });
      entry.style.setProperty("--gl-stroke", `${["dot", "dash"].includes(line.dash) ? "dotted" : "solid"} ${line.color}`);
      return entry;
    }));
  }

  losses({ iterations, columns }) {
    const names = Object.keys(columns);
    return names.map((name, index) => ({
      ...thinned(iterations, columns[name]), name: spoken(name), mode: "lines", hovertemplate: "%{y:.3g}",
      line: { color: this.colours[index % this.colours.length], width: name === "best" ? 1.5 : 2, dash: name === "best" ? "dot" : "solid" },
    }));
  }

  get threshold() {
    return { color: this.colours[1], width: 1, dash: "dash" };
  }

  quality({ frames }) {
    const at = frames.map((frame) => frame.iteration);
    const series = (metric, name, colour, yaxis, format) => ({
      ...thinned(at, frames.map((frame) => frame.metrics?.[metric] ?? null)), name, yaxis, mode: "lines",
      hovertemplate: format, line: { color: colour, width: 2.5 },
    });
    return [series("psnr", "PSNR, left", this.colours[0], "y", "%{y:.1f} dB"), series("ssim", "SSIM, right", this.colours[1], "y2", "%{y:.2f}")];
  }

  layout(name, traces, shown, horizon) {
    const axis = { gridcolor: this.grid, linecolor: this.grid, tickcolor: this.grid, zeroline: false };
    const layout = {
      datarevision: this.revision, height: this.nodes[name].clientHeight, margin: { l: 48, r: name === "losses" ? 20 : 40, t: 8, b: 26 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: this.font, size: 13, color: this.text },
      dragmode: this.coarse ? false : "zoom", hovermode: "x unified", hoverlabel: { bgcolor: this.paper, font: { color: this.text } },
      showlegend: false, shapes: cursor(shown, this.text), annotations: traces.some(({ y }) => y.length) ? [] : [WAITING],
      xaxis: { ...axis, range: this.zoom.x ?? [0, horizon], nticks: 7, fixedrange: this.coarse },
    };
    if (name === "losses") {
      const range = this.zoom.losses ?? decades(traces);
      const dtick = Math.max(1, Math.ceil((range[1] - range[0]) / 5));
      const ticks = range[1] - range[0] < 1 ? { nticks: 4 } : { dtick };
      return { ...layout, yaxis: { ...axis, type: "log", exponentformat: "power", fixedrange: this.coarse, range, ...ticks } };
    }
    const top = Math.max(40, 20 * Math.ceil(highest(traces[0].y) / 20));
    const line = { type: "line", xref: "paper", yref: "y2", x0: 0, x1: 1, y0: 0.6, y1: 0.6, line: this.threshold };
    return {
      ...layout, shapes: [...layout.shapes, line],
      yaxis: { ...axis, range: [0, top], dtick: top / 4, fixedrange: true },
      yaxis2: { ...axis, overlaying: "y", side: "right", range: [0, 1], dtick: 0.25, fixedrange: true, showgrid: false },
    };
  }

  theme() {
    const style = getComputedStyle(this.root);
    const read = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
    this.text = read("text-color", "#31333f");
    this.paper = read("background-color", "#ffffff");
    this.grid = read("border-color", "rgba(128,128,128,0.3)");
    this.font = style.fontFamily;
    this.colours = read("chart-categorical-colors", "#0b6e6a,#c2571a,#2563a8").split(",");
    this.coarse = matchMedia("(pointer: coarse)").matches;
  }

  resize() {
    for (const node of Object.values(this.nodes)) if (node.offsetWidth) this.Plotly.Plots.resize(node);
  }

  purge() {
    this.gone = true;
    this.ready = false;
    this.resizing.disconnect();
    window.removeEventListener("pointerup", this.release);
    for (const node of Object.values(this.nodes)) this.Plotly?.purge(node);
  }
}

function cursor(shown, colour) {
  if (shown === null) return [];
  return [{ type: "line", x0: shown, x1: shown, yref: "paper", y0: 0, y1: 1, line: { color: colour, width: 1.5 } }];
}

const highest = (values) => values.reduce((most, value) => Math.max(most, value ?? 0), 0);

/** Whole powers of ten around all positive values, so that the axis seldom moves. */
function decades(traces) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of traces.flatMap((trace) => trace.y)) {
    if (value > 0) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (high < low) return [-4, 0];
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return [from, Math.max(to, from + 1)];
}

/** Every n-th point, so that no line has more than POINTS; the last is always kept. */
function thinned(x, y) {
  const stride = Math.ceil(x.length / POINTS);
  if (stride <= 1) return { x, y };
  const keep = (_, index) => index % stride === 0 || index === x.length - 1;
  return { x: x.filter(keep), y: y.filter(keep) };
}

/** "TotalVariation" and "total_variation" as "Total variation". */
function spoken(name) {
  if (name === "best") return "Best so far";
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
}
