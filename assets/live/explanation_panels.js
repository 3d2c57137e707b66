// @ts-check
// What the figures of the page that explains are put together from: pictures, matrices, curves and bars.
import { make, set } from "./axes.js";
import { translate } from "./language.js";
import { extent, mix, paint, themed } from "./tiles.js";

const [WIDTH, HEIGHT, EDGE] = [300, 150, 10];

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {HTMLElement} parent
 * @param {string} [className]
 */
export function element(name, parent, className = "") {
  const node = Object.assign(document.createElement(name), { className });
  parent.append(node);
  return node;
}

/**
 * @param {string} name
 * @param {Element} parent
 * @param {Record<string, string | number>} attributes
 */
function shape(name, parent, attributes) {
  const node = make(name, attributes);
  parent.append(node);
  return node;
}

/** @param {Element} parent */
const drawing = (parent) => shape("svg", parent, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });

/**
 * A part of the figure under a caption.
 * @param {HTMLElement} scene
 * @param {string} caption
 * @param {string} className
 */
export function panel(scene, caption, className) {
  const figure = element("figure", scene, `gl-panel ${className}`);
  element("figcaption", figure).textContent = translate(caption);
  return element("div", figure);
}

/**
 * A picture that can be replaced.
 * @param {HTMLElement} scene
 * @param {string} caption
 */
export function picture(scene, caption) {
  const body = panel(scene, caption, "gl-picture");
  const image = element("img", body);
  image.alt = "";
  image.hidden = true;
  return (/** @type {string | null} */ source) => {
    image.hidden = !source;
    if (source) image.src = source;
  };
}

/**
 * A matrix of bytes in colours: orange above zero, blue below, grey where `before` says that an entry was dropped.
 * @param {HTMLElement} parent
 */
export function matrix(parent) {
  const framed = element("div", parent, "gl-framed");
  const canvas = element("canvas", framed);
  const light = element("i", framed);
  light.hidden = true;
  return {
    canvas,
    /**
     * @param {{ form: number[], signs?: number[] }} layer
     * @param {Int8Array} bytes
     * @param {Int8Array | null} [before]
     */
    draw({ form, signs = [] }, bytes, before = null) {
      const { width, height } = extent(form);
      Object.assign(canvas, { width, height });
      const pixels = paint({ form, signs }, bytes, colours(parent), before);
      canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
    },
    /**
     * Frames a row of the matrix, or none.
     * @param {number | null} row
     * @param {number} rows
     */
    light(row, rows) {
      light.hidden = row === null;
      Object.assign(light.style, { top: `${(100 * (row ?? 0)) / rows}%`, height: `${100 / rows}%` });
    },
  };
}

/** @param {HTMLElement} node */
const colours = (node) => themed(node, "background-color", "#fcfbf8", 100);

/**
 * A colour as CSS writes it.
 * @param {HTMLElement} node
 * @param {number} share of the scale, -1 to 1
 */
export function tint(node, share) {
  const byte = 127 * Math.sign(share) * Math.sqrt(Math.min(1, Math.abs(share)));
  return `rgb(${mix(colours(node), byte).map(Math.round).join()})`;
}

/**
 * A chart of one curve with a dot on it.
 * @param {HTMLElement} scene
 * @param {string} caption
 * @param {{ x: [number, number], y: [number, number], finish?: number }} range `finish` is a line across
 */
export function curve(scene, caption, { x, y, finish }) {
  const svg = drawing(panel(scene, caption, "gl-wide"));
  const across = (/** @type {number} */ value) => EDGE + ((value - x[0]) / (x[1] - x[0] || 1)) * (WIDTH - 2 * EDGE);
  const share = (/** @type {number} */ value) => (value - y[0]) / (y[1] - y[0] || 1);
  const up = (/** @type {number} */ value) => HEIGHT - EDGE - share(value) * (HEIGHT - 2 * EDGE);
  shape("path", svg, { class: "gl-axis", fill: "none", d: `M${EDGE} ${EDGE}V${HEIGHT - EDGE}H${WIDTH - EDGE}` });
  if (finish !== undefined) {
    shape("line", svg, { class: "gl-finish", x1: EDGE, x2: WIDTH - EDGE, y1: up(finish), y2: up(finish) });
  }
  const line = shape("polyline", svg, { class: "gl-curve" });
  const tangent = shape("line", svg, { class: "gl-tangent" });
  const dot = shape("circle", svg, { class: "gl-dot", r: 5 });
  return {
    /**
     * @param {number[]} xs
     * @param {number[]} ys
     */
    draw(xs, ys) {
      set(line, { points: xs.map((value, at) => `${across(value).toFixed(1)},${up(ys[at]).toFixed(1)}`).join(" ") });
    },
    /**
     * @param {number} to
     * @param {number} height
     */
    dot(to, height) {
      set(dot, { cx: across(to), cy: up(height) });
    },
    /**
     * A straight line through a point of the curve.
     * @param {number} to
     * @param {number} height
     * @param {number} slope
     * @param {number} reach how far it goes to either side
     */
    tangent(to, height, slope, reach) {
      const [x1, x2] = [to - reach, to + reach];
      set(tangent, { x1: across(x1), x2: across(x2), y1: up(height - slope * reach), y2: up(height + slope * reach) });
    },
  };
}

/**
 * Bars above and below a line, from -1 to 1, with a name under each.
 * @param {HTMLElement} scene
 * @param {string} caption
 * @param {string[]} names
 */
export function bars(scene, caption, names) {
  const body = panel(scene, caption, "gl-wide");
  const svg = drawing(body);
  const [wide, middle] = [WIDTH / names.length, HEIGHT / 2];
  const found = names.map((_, at) => shape("rect", svg, { class: "gl-bar", x: at * wide + 4, width: wide - 8 }));
  shape("line", svg, { class: "gl-axis", x1: 0, x2: WIDTH, y1: middle, y2: middle });
  const under = element("div", body, "gl-names");
  const labels = names.map((name) => Object.assign(element("span", under), { textContent: translate(name) }));
  return {
    /**
     * @param {number[]} values
     * @param {number | null} lit the place whose name is set in bold
     */
    draw(values, lit) {
      values.forEach((value, at) => {
        const size = Math.max(1, Math.abs(value) * (middle - 6));
        set(found[at], { y: value < 0 ? middle : middle - size, height: size });
        found[at].classList.toggle("gl-down", value < 0);
        labels[at].style.fontWeight = at === lit ? "700" : "";
        labels[at].style.color = at === lit ? "var(--st-text-color)" : "";
      });
    },
  };
}

/**
 * Numbers that are drawn anew: where each is on average, how far it spreads, and where it is now.
 * @param {HTMLElement} scene
 * @param {string} caption
 * @param {number[]} mean
 * @param {number[]} spread
 */
export function cloud(scene, caption, mean, spread) {
  const svg = drawing(panel(scene, caption, "gl-wide"));
  const most = Math.max(...mean.map((value, at) => Math.abs(value) + 2.6 * spread[at]));
  const up = (/** @type {number} */ value) => HEIGHT / 2 - (value / most) * (HEIGHT / 2 - 4);
  const across = (/** @type {number} */ at) => ((at + 0.5) / mean.length) * WIDTH;
  shape("line", svg, { class: "gl-axis", x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2 });
  const dots = mean.map((value, at) => {
    const [y1, y2] = [up(value - spread[at]), up(value + spread[at])];
    shape("line", svg, { class: "gl-spread", x1: across(at), x2: across(at), y1, y2 });
    return shape("circle", svg, { class: "gl-dot gl-moving", r: 2.6, cx: across(at), cy: up(value) });
  });
  return (/** @type {number[]} */ values) => values.forEach((value, at) => set(dots[at], { cy: up(value) }));
}
