// @ts-check
// One line chart as SVG: axes, lines, marks, the values under the pointer, and a drag that zooms. It knows nothing of
// runs: charts.js says what it shows.

/** @typedef {{ color: string, width: number, dash?: string }} Stroke */
/** @typedef {{ x: number[], y: (number | null)[], name: string, line: Stroke, say: (y: number) => string }} Curve */
/** @typedef {Curve & { right?: boolean }} Line */
/** @typedef {[number, number]} Range */
/** @typedef {{ range: Range, step?: number, log?: boolean }} Axis a logarithmic range counts powers of ten */
/** @typedef {{ x?: number, y?: number, right?: boolean, line: Stroke }} Mark up at `x` to `y`, or level at `y` */
/** @typedef {{ x: number, end: number, at: number, text: string, color: string }} Label in shares of the height */
/**
 * @typedef {object} Figure
 * @property {Line[]} lines
 * @property {Axis} x
 * @property {Axis} left
 * @property {Axis} [right]
 * @property {Mark[]} marks
 * @property {Label[]} labels
 * @property {string} hint what to say in the middle
 * @property {boolean} free whether a drag zooms the left axis too
 */

import { make, plain, set, share, ticks, written } from "./axes.js";

const MARGIN = { left: 48, right: 40, top: 8, bottom: 26 };
const DASHES = {
  dot: [1, 1], dash: [3, 2], dashdot: [3, 1.5, 1, 1.5], longdash: [6, 2], longdashdot: [6, 1.5, 1, 1.5],
};
const LEAST = { x: 8, y: 20 };
const [LEADER, NEAR, TOUCH_MS] = [10, 20, 3000];

export class Plot {
  /** @type {Figure | null} */
  figure = null;
  width = 0;
  height = 0;
  /** @type {Range | null} where the pointer is, in pixels from the plot's corner */
  pointer = null;
  /** @type {Range | null} where a drag began */
  from = null;

  /**
   * @param {HTMLElement} node
   * @param {(x: Range, y: Range | null) => void} zoom is told the ranges that were dragged over
   * @param {() => void} reset is told of a double click
   */
  constructor(node, zoom, reset) {
    this.node = node;
    this.zoom = zoom;
    this.back = make("g", { class: "gl-axes" });
    this.inner = make("svg", { x: MARGIN.left, y: MARGIN.top });
    this.front = make("g");
    this.dragged = make("rect", { class: "gl-dragged" });
    this.svg = make("svg", { class: "gl-svg", "aria-hidden": "true" });
    this.svg.append(this.back, this.inner, this.front, this.dragged);
    this.values = Object.assign(document.createElement("div"), { className: "gl-values", hidden: true });
    node.replaceChildren(this.svg, this.values);
    this.sizing = new ResizeObserver(([{ contentRect }]) => this.resize(contentRect));
    this.sizing.observe(node);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    this.svg.addEventListener("pointerup", () => this.release());
    this.svg.addEventListener("pointerleave", (event) => this.leave(event));
    this.svg.addEventListener("dblclick", reset);
  }

  close() {
    this.sizing.disconnect();
  }

  /** @param {{ width: number, height: number }} size */
  resize({ width, height }) {
    this.width = Math.max(0, width - MARGIN.left - MARGIN.right);
    this.height = Math.max(0, height - MARGIN.top - MARGIN.bottom);
    set(this.inner, { width: this.width, height: this.height });
    if (this.figure) this.draw(this.figure);
  }

  /** @param {Figure} figure */
  draw(figure) {
    this.figure = Object.assign(this.node, { figure }).figure; // on the node for whoever looks from outside
    if (!this.width || !this.height) return;
    const { lines, marks, labels } = figure;
    this.back.replaceChildren(...this.drawAxes(figure));
    this.inner.replaceChildren(
      ...marks.map((mark) => make("path", { d: this.markPath(mark), ...stroke(mark.line) })),
      ...lines.map((line) => make("path", { class: "gl-curve", d: this.linePath(line), ...stroke(line.line) })),
    );
    this.front.replaceChildren(...labels.flatMap((label) => this.drawLabel(label)), ...this.drawHint(figure));
    this.drawValues();
  }

  // ---- where a value is, in pixels from the plot's corner ---------------------------------------

  /** @param {number} value */
  across(value) {
    const { x } = /** @type {Figure} */ (this.figure);
    return share(x, value) * this.width;
  }

  /**
   * @param {number | null | undefined} value
   * @param {boolean} [right]
   */
  down(value, right) {
    const figure = /** @type {Figure} */ (this.figure);
    if (typeof value !== "number") return NaN;
    return (1 - share(right && figure.right || figure.left, value)) * this.height;
  }

  /** @param {Line} line */
  linePath({ x, y, right }) {
    let [path, pen] = ["", "M"];
    x.forEach((value, index) => {
      const height = this.down(y[index], right);
      if (Number.isFinite(height)) path += `${pen}${this.across(value).toFixed(1)},${height.toFixed(1)}`;
      pen = Number.isFinite(height) ? "L" : "M";
    });
    return path;
  }

  /** @param {Mark} mark */
  markPath({ x, y, right }) {
    if (x === undefined) return `M0,${this.down(y, right)}H${this.width}`;
    return `M${this.across(x)},${this.height}V${y === undefined ? 0 : this.down(y, right)}`;
  }

  // ---- what stands around and above the lines ----------------------------------------------------

  /** @param {Figure} figure */
  drawAxes({ x, left, right }) {
    const edges = { left: MARGIN.left, right: MARGIN.left + this.width, foot: MARGIN.top + this.height };
    return [
      ...ticks(x, this.width / 60).flatMap(({ at, text }) => {
        const place = edges.left + at * this.width;
        const line = make("path", { d: `M${place},${edges.foot}V${MARGIN.top}` });
        return [line, written(text, place, edges.foot + 17, "middle")];
      }),
      ...ticks(left, this.height / 18).flatMap(({ at, text }) => {
        const place = edges.foot - at * this.height;
        const line = make("path", { d: `M${edges.left},${place}H${edges.right}` });
        return [line, written(text, edges.left - 6, place + 4, "end")];
      }),
      ...(right ? ticks(right, this.height / 18) : []).map(({ at, text }) => (
        written(text, edges.right + 6, edges.foot - at * this.height + 4, "start"))),
    ];
  }

  /** @param {Label} label */
  drawLabel({ x, end, at, text, color }) {
    const left = MARGIN.left + this.across(x);
    if (left < MARGIN.left || left > MARGIN.left + this.width + 1) return [];
    const [from, to] = [end, at].map((high) => MARGIN.top + (1 - high) * this.height);
    const node = written(text, left + LEADER + 2, to + 5, "start");
    set(node, { class: "gl-end", fill: color });
    return from === to ? [node] : [make("path", { d: `M${left},${from}L${left + LEADER},${to}`, stroke: color }), node];
  }

  /** @param {Figure} figure */
  drawHint({ hint }) {
    return hint ? [written(hint, MARGIN.left + this.width / 2, MARGIN.top + this.height * 0.75, "middle")] : [];
  }

  /** The values of all lines where the pointer is. */
  drawValues() {
    const { figure, pointer } = this;
    this.front.querySelectorAll(".gl-here").forEach((node) => node.remove());
    const found = figure && pointer && !this.from ? figure.lines.flatMap((line) => this.nearest(line, pointer[0])) : [];
    found.sort((one, other) => one.away - other.away);
    this.values.hidden = !found.length;
    if (!found.length) return;
    const [{ x, away }] = found;
    const rows = found.filter((point) => point.away <= Math.max(away, NEAR));
    rows.sort((one, other) => one.number - other.number);
    this.drawPoints(MARGIN.left + this.across(x), rows);
    const texts = rows.map(({ line, y }) => entry(`${line.name}: ${line.say(y)}`, line.line));
    this.values.replaceChildren(entry(plain(x)), ...texts);
  }

  /**
   * @param {number} place
   * @param {{ line: Line, place: number, height: number }[]} points
   */
  drawPoints(place, points) {
    const upright = make("path", { class: "gl-here", d: `M${place},${MARGIN.top}v${this.height}` });
    this.front.append(upright, ...points.map(({ line, ...point }) => {
      const [cx, cy] = [MARGIN.left + point.place, MARGIN.top + point.height];
      return make("circle", { class: "gl-here", cx, cy, r: 4, fill: line.line.color });
    }));
    const rest = MARGIN.left + this.width + MARGIN.right - place;
    const [left, right] = rest < place ? ["auto", `${rest + 12}px`] : [`${place + 12}px`, "auto"];
    Object.assign(this.values.style, { left, right });
  }

  /**
   * The point of a line that is nearest to a place across.
   * @param {Line} line
   * @param {number} place
   */
  nearest(line, place) {
    const number = this.figure?.lines.indexOf(line) ?? 0;
    let best = { line, number, x: 0, y: 0, away: Infinity, place: 0, height: 0 };
    line.x.forEach((x, index) => {
      const y = line.y[index];
      const [across, height] = [this.across(x), this.down(y, line.right)];
      const away = Math.abs(across - place);
      const seen = across >= 0 && across <= this.width && Number.isFinite(height);
      if (seen && y !== null && away < best.away) best = { ...best, x, y, away, place: across, height };
    });
    return Number.isFinite(best.away) ? [best] : [];
  }

  // ---- the pointer -------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  place({ clientX, clientY }) {
    const { left, top } = this.svg.getBoundingClientRect();
    const within = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(most, Math.max(0, value));
    const [x, y] = [clientX - left - MARGIN.left, clientY - top - MARGIN.top];
    this.pointer = [within(x, this.width), within(y, this.height)];
  }

  /** @param {PointerEvent} event */
  press(event) {
    clearTimeout(this.leaving);
    this.place(event);
    if (event.pointerType !== "mouse" || event.button !== 0) return this.drawValues();
    this.from = this.pointer;
    this.svg.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    this.place(event);
    this.drawDrag();
    this.drawValues();
  }

  /**
   * A finger leaves at once when it has pressed.
   * @param {PointerEvent} event
   */
  leave({ pointerType }) {
    this.leaving = setTimeout(() => {
      this.pointer = this.from = null;
      this.drawDrag();
      this.drawValues();
    }, pointerType === "mouse" ? 0 : TOUCH_MS);
  }

  release() {
    const { drag, figure } = this;
    this.from = null;
    this.drawDrag();
    if (!drag || !figure) return;
    const between = (/** @type {Axis} */ { range: [low, high] }, /** @type {Range} */ [from, to]) => (
      /** @type {Range} */ ([low + from * (high - low), low + to * (high - low)]));
    this.zoom(drag.x ? between(figure.x, drag.x) : figure.x.range, drag.y && between(figure.left, drag.y));
  }

  /** What was dragged over, in shares of both axes; an axis along which it is too short to be meant is left alone. */
  get drag() {
    const { from, pointer, figure } = this;
    if (!from || !pointer || !figure) return null;
    const [x, y] = [[from[0], pointer[0]], [this.height - from[1], this.height - pointer[1]]];
    const order = (/** @type {number[]} */ ends, /** @type {number} */ whole) => (
      /** @type {Range} */ (ends.map((end) => end / whole).sort((one, other) => one - other)));
    const wide = Math.abs(x[0] - x[1]) >= LEAST.x;
    const high = figure.free && Math.abs(y[0] - y[1]) >= LEAST.y;
    return wide || high ? { x: wide ? order(x, this.width) : null, y: high ? order(y, this.height) : null } : null;
  }

  drawDrag() {
    const { drag } = this;
    const [left, right] = drag?.x ?? [0, drag ? 1 : 0];
    const [foot, top] = drag?.y ?? [0, 1];
    set(this.dragged, {
      x: MARGIN.left + left * this.width, width: (right - left) * this.width,
      y: MARGIN.top + (1 - top) * this.height, height: (top - foot) * this.height,
    });
  }
}

/**
 * @param {string} text
 * @param {Stroke} [line]
 */
function entry(text, line) {
  const node = Object.assign(document.createElement("span"), { textContent: text });
  if (line) node.style.borderLeft = `4px solid ${line.color}`;
  return node;
}

/** @param {Stroke} line */
function stroke({ color, width, dash = "solid" }) {
  const pattern = DASHES[/** @type {keyof DASHES} */ (dash)] ?? [];
  const dashes = pattern.map((part) => part * Math.max(width, 2)).join(" ");
  return { stroke: color, "stroke-width": width, "stroke-dasharray": dashes };
}
