// @ts-check
// The figures of the page that explains. Each is made from what benchmarks/explanations.py has computed or recorded.
/** @import { Recording } from "./types" */
import { bars, cloud, curve, element, matrix, panel, picture, tint } from "./explanation_panels.js";
import { translate } from "./language.js";
import { offsets, unpack } from "./tiles.js";
import { seen, threshold } from "./words.js";

/** @typedef {{ steps: number, pace: number, draw: (at: number) => string }} Figure draws a step and names it */
/** @typedef {(scene: HTMLElement, data: any) => Figure} Make */
/** @typedef {{ iteration: number, picture: string, likeness: number }} LaneFrame */
/** @typedef {{ name: string, frames: LaneFrame[] }} RecordedLane */

const whole = (/** @type {number} */ value) => Math.round(value).toLocaleString("en-GB");
const digits = (/** @type {number} */ value) => String(Number(value.toPrecision(2)));
const signed = (/** @type {number} */ value) => `${value < 0 ? "−" : "+"}${digits(Math.abs(value))}`;
const shown = (/** @type {string} */ word) => ({
  outline: "an outline of the picture", recognisable: "a recognisable picture", "near copy": "a near copy",
}[word] ?? "nothing of the picture");
const layerOf = (/** @type {string} */ name) => name.replace(".weight", "");

/** @type {Make} */
function gradient(scene, { gradient: { truth, count, loss, offsets: places, weights } }) {
  picture(scene, "Private picture")(truth);
  const every = weights.flatMap((/** @type {any} */ { losses }) => losses);
  const [low, high] = [Math.min(...every), Math.max(...every)];
  const reach = places[places.length - 1];
  const chart = curve(scene, "The loss while one weight moves", { x: [-reach, reach], y: [low, high] });
  const grid = panel(scene, "The slope at each weight", "gl-wide");
  grid.className = "gl-grid";
  const rows = weights.length / 10;
  const cells = weights.map((/** @type {any} */ { name }, /** @type {number} */ at) => {
    if (at % 10 === 0) element("span", grid).textContent = layerOf(name);
    return element("i", grid);
  });
  const most = Math.max(...weights.map((/** @type {any} */ { slope }) => Math.abs(slope)));
  return {
    steps: weights.length,
    pace: 700,
    draw(at) {
      const { name, slope, losses } = weights[at];
      chart.draw(places, losses);
      chart.dot(0, loss);
      chart.tangent(0, loss, slope, reach / 2);
      cells.forEach((/** @type {HTMLElement} */ cell, /** @type {number} */ place) => {
        cell.style.background = place > at ? "" : tint(scene, weights[place].slope / most);
        cell.classList.toggle("gl-now", place === at);
      });
      const way = slope > 0 ? "up makes the loss larger, so training moves it down" : "up makes the loss smaller, so "
        + "training moves it up";
      const said = Math.abs(slope) < 1e-3 ? "it hardly matters for this picture" : `moving it ${way}`;
      const all = at + 1 === weights.length ? ` All ${whole(count)} slopes together are the gradient.` : "";
      return `A weight of ${layerOf(name)}. The slope at the dot is ${signed(slope)}: ${said}.${all}`
        + (at + 1 === weights.length ? ` ${rows} layers with ten weights each are shown.` : "");
    },
  };
}

/** @type {Make} */
function label(scene, { label: { pictures, classes, columns } }) {
  const show = picture(scene, "Private picture");
  const numbers = classes.map((/** @type {string} */ _, /** @type {number} */ at) => String(at));
  const chart = bars(scene, "The last layer, a bar a class", numbers);
  const body = panel(scene, "Its weights' gradient, a row a class", "gl-matrix");
  const tile = matrix(body);
  tile.canvas.style.aspectRatio = "2";
  return {
    steps: 3 * pictures.length,
    pace: 2200,
    draw(at) {
      const { truth, title, answer, bias, label: right, tile: bytes } = pictures[Math.floor(at / 3)];
      const phase = at % 3;
      show(truth);
      chart.draw(phase ? bias : answer, phase === 2 ? right : null);
      tile.canvas.style.opacity = phase ? "1" : "0.15";
      tile.draw({ form: [classes.length, columns] }, unpack(bytes));
      tile.light(phase === 2 ? right : null, classes.length);
      const first = answer.indexOf(Math.max(...answer));
      const named = (/** @type {number} */ one) => `${classes[one]} (${one})`;
      if (phase === 0) {
        return `${title}. The untrained network answers ${named(first)} with ${Math.round(100 * answer[first])} %.`;
      }
      if (phase === 1) {
        return `The client takes 1 away from the right class, ${named(right)}. What is left is the gradient of the `
          + "last layer's biases. It is part of the update.";
      }
      return `Only one bar points down, and only one row of weights is blue: ${named(right)}. So the update names the `
        + "label.";
    },
  };
}

/** @type {Make} */
function matching(scene, recording) {
  const { truth, frames, curve: { columns }, head } = /** @type {Recording} */ (recording);
  picture(scene, "Private picture")(truth);
  const show = picture(scene, "The guess");
  const { layers, sent } = /** @type {NonNullable<typeof head.update>} */ (head.update);
  const starts = offsets(layers);
  const shown = layers.map((_, index) => index).filter((index) => layers[index].shape.length > 1);
  const body = panel(scene, "The update sent, and the guess's", "gl-matrix");
  const rows = ["sent", "guess"].map((name) => {
    const row = element("div", body, "gl-row");
    element("span", row, "gl-rowname").textContent = translate(name);
    return shown.map(() => matrix(Object.assign(element("div", row), { style: "flex: 1" })));
  });
  const fill = (/** @type {number} */ row, /** @type {string} */ text) => {
    const bytes = unpack(text);
    shown.forEach((index, at) => rows[row][at].draw(layers[index], bytes.subarray(starts[index], starts[index + 1])));
  };
  const least = columns.best ?? columns.distance;
  const distances = least.map((value) => Math.log10(Math.max(Number(value), 1e-12)));
  const range = /** @type {[number, number]} */ ([Math.min(...distances), Math.max(...distances)]);
  const width = /** @type {[number, number]} */ ([0, Math.log10(least.length)]);
  const chart = curve(scene, "Their distance over the iterations, both logarithmic", { x: width, y: range });
  chart.draw(distances.map((_, at) => Math.log10(at + 1)), distances);
  return {
    steps: frames.length,
    pace: 350,
    draw(at) {
      const { iteration, picture: source, tiles, metrics } = frames[at];
      show(source);
      fill(0, sent);
      if (tiles) fill(1, tiles);
      chart.dot(Math.log10(iteration), distances[iteration - 1]);
      return `Iteration ${iteration}. The distance is ${digits(10 ** distances[iteration - 1])}. What is seen in the `
        + `guess: ${seen(metrics)}. The attacker looks at the distance only.`;
    },
  };
}

/** @type {Make} */
function noise(scene, { noise: { truth, levels, sizes, columns } }) {
  picture(scene, "Private picture")(truth);
  const show = picture(scene, "The answer");
  const body = panel(scene, "Two layers of the update, as they are sent", "gl-matrix");
  const names = Object.keys(levels[0].tiles);
  const tiles = names.map((name) => {
    const row = element("div", body, "gl-row");
    element("span", row, "gl-rowname").textContent = layerOf(name);
    return matrix(Object.assign(element("div", row), { style: "flex: 1" }));
  });
  const last = levels.length - 1;
  const axes = /** @type {{ x: [number, number], y: [number, number] }} */ ({ x: [0, last], y: [0, 1] });
  const chart = curve(scene, "Likeness of the answer, more noise to the right", { ...axes, finish: threshold() });
  const scores = levels.map((/** @type {any} */ { likeness }) => Math.max(0, likeness));
  chart.draw(scores.map((/** @type {number} */ _, /** @type {number} */ at) => at), scores);
  return {
    steps: levels.length,
    pace: 1800,
    draw(at) {
      const { std, picture: source, likeness, tiles: sent } = levels[at];
      show(source);
      names.forEach((name, place) => {
        const bytes = unpack(sent[name]);
        tiles[place].draw({ form: [bytes.length / columns, columns] }, bytes);
      });
      chart.dot(at, scores[at]);
      const size = digits(sizes[names[0]]);
      const noisy = std ? `Noise of ${std} on every entry. The entries of ${layerOf(names[0])} are about ${size} large.`
        : "No noise. The update is sent as it is.";
      return `${noisy} What is seen in the answer: ${seen({ likeness })}, likeness ${likeness.toFixed(2)}.`;
    },
  };
}

/**
 * Two recorded runs beside each other, at the same iterations.
 * @param {HTMLElement} scene
 * @param {RecordedLane[]} lanes
 */
function race(scene, lanes) {
  const shows = lanes.map(({ name }) => picture(scene, name));
  const places = [...new Set(lanes.flatMap(({ frames }) => frames.map(({ iteration }) => iteration)))];
  places.sort((one, other) => one - other);
  const frameAt = (/** @type {LaneFrame[]} */ frames, /** @type {number} */ place) =>
    frames.filter(({ iteration }) => iteration <= place).pop() ?? frames[0];
  return {
    places,
    clear: () => shows.forEach((show) => show(null)),
    draw(/** @type {number} */ step) {
      const now = lanes.map(({ frames }) => frameAt(frames, places[step]));
      shows.forEach((show, at) => show(now[at].picture));
      const said = lanes.map(({ name }, at) => (
        `The attack that ${name.toLowerCase()} shows ${shown(seen({ likeness: now[at].likeness }))}.`));
      return `Iteration ${whole(places[step])}. ${said.join(" ")}`;
    },
  };
}

/**
 * A figure of draws, one after another with the last layer's gradient of each, and then of a race.
 * @param {HTMLElement} scene
 * @param {any[]} draws
 * @param {RecordedLane[]} lanes
 * @param {(draw: any, at: number) => string} show draws one and says what is seen
 * @returns {Figure}
 */
function drawsThenRace(scene, draws, lanes, show) {
  const both = race(scene, lanes);
  return {
    steps: draws.length + both.places.length,
    pace: 1100,
    draw(at) {
      const said = show(draws[Math.min(at, draws.length - 1)], at);
      if (at >= draws.length) return both.draw(at - draws.length);
      both.clear();
      return said;
    },
  };
}

/** @type {Make} */
function dropout(scene, { dropout: { truth, rate, draws, lanes, columns } }) {
  const body = panel(scene, "Features kept, and the last layer's gradient", "gl-matrix");
  const kept = element("div", body, "gl-grid");
  kept.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  kept.style.gap = "1px";
  const cells = draws[0].mask.map(() => element("i", kept));
  const tile = matrix(body);
  tile.canvas.style.aspectRatio = "2.2";
  picture(scene, "Private picture")(truth);
  return drawsThenRace(scene, draws, lanes, ({ mask, tile: text }, at) => {
    const bytes = unpack(text);
    cells.forEach((/** @type {HTMLElement} */ cell, /** @type {number} */ place) => {
      cell.style.background = mask[place] ? "var(--st-primary-color)" : "transparent";
    });
    const dropped = Int8Array.from(bytes, (_, place) => (mask[place % columns] ? 0 : 1));
    tile.draw({ form: [bytes.length / columns, columns] }, bytes, dropped);
    return at + 1 < draws.length
      ? `Draw ${at + 1}. Dropout switches off ${Math.round(100 * rate)} % of the features, others each time. A feature `
        + "that is off has an empty column in the gradient."
      : "This is the draw that the client used. The empty columns show which features were off, to whoever looks.";
  });
}

/** @type {Make} */
function precode(scene, { precode: { truth, mean, spread, draws, lanes, columns } }) {
  const move = cloud(scene, "The code: mean, spread, draw", mean, spread);
  const body = panel(scene, "The last layer's gradient", "gl-matrix");
  const tile = matrix(body);
  tile.canvas.style.aspectRatio = "2.4";
  const show = picture(scene, "A first-layer row");
  picture(scene, "Private picture")(truth);
  return drawsThenRace(scene, draws, lanes, ({ code, tile: text, row }, at) => {
    const bytes = unpack(text);
    move(code);
    tile.draw({ form: [bytes.length / columns, columns] }, bytes);
    show(row);
    return at + 1 < draws.length
      ? `Draw ${at + 1}. The code is drawn around its mean, and the last layer's gradient is another one each time. `
        + "A row of the first layer's gradient still shows the picture."
      : "This is the draw that the client used. An attack that solves for the draw has all layers to go by again.";
  });
}

/** @type {Record<string, { file: string, make: Make }>} */
export const FIGURES = {
  gradient: { file: "explanations", make: gradient },
  label: { file: "explanations", make: label },
  matching: { file: "first", make: matching },
  noise: { file: "explanations", make: noise },
  dropout: { file: "explanations", make: dropout },
  precode: { file: "explanations", make: precode },
};
