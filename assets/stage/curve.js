// @ts-check
// The one curve of a chapter: how much of the private picture is seen, with the line from which it is recognisable.
/** @import { Performance } from "./performance.js" */
import { set } from "../live/axes.js";
import { thinned } from "../live/charts.js";
import { place } from "../live/lane.js";
import { Plot } from "../live/plot.js";
import { threshold } from "../live/words.js";

/** The share of the window's height that the smallest letter has, and the pixels of a letter in a plot. */
const [LETTER, DRAWN] = [0.027, 12];

/** A plot whose letters and lines grow with the window. */
class LargePlot extends Plot {
  /** @param {{ width: number, height: number }} size */
  resize({ width, height }) {
    const scale = (LETTER * innerHeight) / DRAWN;
    set(this.svg, { viewBox: `0 0 ${width / scale} ${height / scale}` });
    super.resize({ width: width / scale, height: height / scale });
  }
}

export class LikenessCurve {
  /** @param {HTMLElement} node */
  constructor(node) {
    this.node = node;
    this.plot = new LargePlot(node, () => undefined, () => undefined);
  }

  /** @param {Performance} performance */
  draw({ players, chapter: { by }, ended }) {
    const colours = getComputedStyle(this.node).getPropertyValue("--st-chart-categorical-colors").split(",");
    const lines = players.map(({ trace, number, name }) => {
      const x = trace.frames.map((frame) => place(frame, by));
      const y = trace.frames.map(({ metrics }) => metrics?.likeness ?? metrics?.ssim ?? null);
      const line = { color: colours[(number - 1) % colours.length].trim(), width: 2 };
      return { ...thinned(x, y), name, line, say: String };
    });
    const ends = players.map((player) => (by === "seconds" ? player.end(by) : player.trace.horizon(ended)));
    this.plot.draw({
      lines,
      x: { range: [0, Math.max(1, ...ends)] },
      left: { range: [0, 1], step: 0.5 },
      marks: [{ y: threshold(), line: { color: "currentColor", width: 1, dash: "dash" } }],
      labels: [],
      hint: "",
      free: false,
    });
    const paths = /** @type {NodeListOf<SVGElement>} */ (this.node.querySelectorAll(".gl-curve"));
    paths.forEach((path, at) => { path.style.stroke = lines[at].line.color; }); // the figures' style has another
  }

  close() {
    this.plot.close();
  }
}
