// @ts-check
// What a chart is drawn with: SVG nodes, and numbers along an axis.
/** @import { Axis } from "./plot.js" */

const STEPS = [1, 2, 5, 10];
const MOST = 8;

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @returns {SVGElement}
 */
export function make(tag, attributes = {}) {
  return set(/** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag)), attributes);
}

/**
 * @param {SVGElement} node
 * @param {Record<string, string | number>} attributes
 */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @type {(text: string, x: number, y: number, anchor: string) => SVGElement} */
export function written(text, x, y, anchor) {
  const node = make("text", { x, y, "text-anchor": anchor });
  node.textContent = text;
  return node;
}

/** @type {(axis: Axis, value: number) => number} */
export function share({ range: [low, high], log }, value) {
  return ((log ? Math.log10(value) : value) - low) / (high - low);
}

/**
 * Round numbers along an axis, with their places as shares of it.
 * @param {Axis} axis
 * @param {number} most how many there is room for
 */
export function ticks(axis, most) {
  const { range: [low, high], log, step } = axis;
  const whole = log && high - low >= 1;
  const [from, to] = log && !whole ? [10 ** low, 10 ** high] : [low, high];
  const about = (to - from) / Math.max(1, Math.min(MOST, most));
  const gap = step ?? (whole ? Math.max(1, Math.ceil(about)) : round(about));
  const found = [];
  for (let tick = Math.ceil(from / gap - 1e-9); tick * gap <= to + gap * 1e-9; tick += 1) {
    const value = whole ? 10 ** (tick * gap) : tick * gap;
    found.push({ at: share(axis, value), text: whole ? `10${raised(tick * gap)}` : plain(value) });
  }
  return found;
}

/**
 * The next 1, 2 or 5 times a power of ten.
 * @param {number} gap
 */
function round(gap) {
  const power = 10 ** Math.floor(Math.log10(gap));
  return power * (STEPS.find((step) => step * power >= gap * 0.999) ?? 10);
}

/** @param {number} value */
const raised = (value) => String(value).replace(/./g, (digit) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(digit)]);

/** @param {number} value */
export const plain = (value) => (Math.abs(value) >= 1e4 ? `${value / 1000}k` : String(Number(value.toPrecision(4))));
