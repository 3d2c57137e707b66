// @ts-check
// The panel of the update: what the client sent above what the guess would have sent, a tile a tensor.
/** @import { Find, Frame, Layer, Update } from "./types" */
import { translate } from "./language.js";
import { Layers, matched } from "./layers.js";
import { breadth, extent, lines, offsets, paint, themed, unpack } from "./tiles.js";
import * as words from "./words.js";

/** @typedef {"before" | "sent" | "guess"} Row */
/** @typedef {{ node: HTMLButtonElement, rows: Map<Row, HTMLElement> }} Cell */

/** Draws the tiles, or today's heat strip for a run that was stored without them. */
export class UpdatePanel {
  /** @type {Update | null} */
  update = null;
  /** @type {Cell[]} */
  cells = [];
  /** @type {number[]} */
  starts = [];
  /** @type {Record<Row, Int8Array | null>} */
  bytes = { before: null, sent: null, guess: null };
  /** @type {Record<string, number | null>} */
  distances = {};
  /** @type {number | null} the layer whose card is open */
  open = null;
  /** @type {number | null} the layer that was clicked */
  chosen = null;
  palette = "";

  /**
   * @param {HTMLElement} root
   * @param {Find} find
   * @param {(name: string, gone: boolean) => void} hide
   */
  constructor(root, find, hide) {
    this.root = root;
    this.nodes = { panel: find("update"), tiles: find("tiles"), card: find("card"), note: find("wire") };
    this.hide = find("hide");
    this.large = { sent: find("large-sent"), guess: find("large-guess"), said: find("card-said") };
    this.heat = new Layers(find);
    this.nodes.panel.addEventListener("pointerleave", () => this.show(this.chosen));
    this.nodes.panel.addEventListener("focusout", () => this.show(this.chosen));
    this.nodes.panel.addEventListener("keydown", ({ key }) => { if (key === "Escape") this.choose(null); });
    this.hide.addEventListener("click", () => {
      const layer = this.chosen === null ? null : this.update?.layers[this.chosen];
      this.choose(null);
      if (layer) hide(layer.name, layer.norm === null);
    });
  }

  /**
   * @param {Update | null | undefined} update
   * @param {Int8Array | null} guess
   * @param {Frame | null} frame
   * @param {number[]} labels the true ones
   * @param {boolean} free layers can be hidden from the attacker
   */
  draw(update, guess, frame, labels, free) {
    this.hide.hidden = !free;
    this.heat.show(update ? {} : frame?.layers ?? {});
    if ((update ?? null) !== this.update) this.layOut(update ?? null);
    if (!update) return;
    this.distances = frame?.layers ?? {};
    const palette = JSON.stringify(this.colours());
    if (palette !== this.palette) this.paintAll(["before", "sent"]);
    const next = guess ?? (frame ? this.bytes.guess : null); // while a frame's are awaited, those of the last one stay
    if (next !== this.bytes.guess || palette !== this.palette) {
      this.bytes.guess = next;
      this.paintAll(["guess"]);
    }
    this.palette = palette;
    this.mark("sent", labels);
    this.mark("guess", next ? frame?.labels ?? [] : []);
    update.layers.forEach(({ name }, index) => {
      const share = Math.round(100 * matched(this.distances[name] ?? null));
      this.cells[index].node.style.setProperty("--gl-matched", `${share}%`);
    });
    if (this.open !== null) this.show(this.open);
  }

  /** @param {Update | null} update */
  layOut(update) {
    this.update = update;
    this.palette = "";
    this.choose(null);
    const layers = update?.layers ?? [];
    this.starts = offsets(layers);
    const before = update?.before ? unpack(update.before) : null;
    this.bytes = { before, sent: unpack(update?.sent ?? ""), guess: null };
    /** @type {Row[]} */
    const rows = update?.before ? ["before", "sent", "guess"] : ["sent", "guess"];
    this.cells = layers.map((layer, index) => this.cell(layer, index, rows));
    this.nodes.tiles.replaceChildren(...lines(layers).filter((line) => line.length).map((line) => {
      const names = element("div", "gl-rows");
      const said = rows.map((row) => ({ textContent: translate(words.ROWS[row]) }));
      names.append(...said.map((one) => Object.assign(element("span", ""), one)));
      const node = element("div", "gl-line");
      node.append(names, ...line.map((index) => this.cells[index].node));
      return node;
    }));
    this.nodes.panel.classList.toggle("gl-mapped", Boolean(update));
    this.nodes.note.textContent = update ? translate(words.wire(update)) : "";
  }

  /**
   * @param {Layer} layer
   * @param {number} index
   * @param {Row[]} rows
   * @returns {Cell}
   */
  cell(layer, index, rows) {
    const node = document.createElement("button");
    Object.assign(node, { type: "button", className: "gl-layer" });
    node.classList.toggle("gl-pictured", layer.form.length === 4);
    node.classList.toggle("gl-gone", layer.norm === null);
    node.setAttribute("aria-label", words.layer(layer, undefined).map(translate).join(" "));
    node.style.setProperty("--gl-breadth", String(breadth(layer.form)));
    node.addEventListener("pointerenter", () => this.show(index));
    node.addEventListener("focus", () => this.show(index));
    node.addEventListener("click", () => this.choose(this.chosen === index ? null : index));
    const maps = new Map(rows.map((row) => {
      const map = element("span", `gl-map gl-${row}`);
      map.append(document.createElement("canvas"));
      return [row, map];
    }));
    node.append(...maps.values());
    return { node, rows: maps };
  }

  /** @param {Row[]} rows */
  paintAll(rows) {
    this.update?.layers.forEach((layer, index) => {
      for (const row of rows) {
        const map = this.cells[index].rows.get(row);
        if (map) this.paint(/** @type {HTMLCanvasElement} */ (map.firstChild), layer, index, row);
      }
    });
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Layer} layer
   * @param {number} index
   * @param {Row} row
   */
  paint(canvas, layer, index, row) {
    const { width, height } = extent(layer.form);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const bytes = this.part(row, index);
    if (!bytes || (row === "sent" && layer.norm === null)) return context.clearRect(0, 0, width, height);
    const before = row === "sent" && layer.zeros ? this.part("before", index) : null;
    const range = row === "before" || layer.norm === null ? bytes : this.part("sent", index) ?? bytes;
    const pixels = paint(layer, bytes, this.colours(), before, range);
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  }

  /**
   * @param {Row} row
   * @param {number} index
   */
  part(row, index) {
    return this.bytes[row]?.subarray(this.starts[index], this.starts[index + 1]) ?? null;
  }

  colours() {
    return themed(this.root, "secondary-background-color", "#f0ede5", 64);
  }

  /**
   * Lights up the rows of labels in the last layer.
   * @param {Row} row
   * @param {number[]} labels
   */
  mark(row, labels) {
    this.update?.layers.forEach(({ classes }, index) => {
      const map = this.cells[index].rows.get(row);
      const lit = [...new Set(labels)].filter((label) => classes.includes(label));
      if (!map || map.dataset.lit === lit.join()) return;
      map.dataset.lit = lit.join();
      map.replaceChildren(/** @type {Node} */ (map.firstChild), ...lit.map((label) => {
        const light = element("i", "gl-lit");
        light.style.top = `${(100 * classes.indexOf(label)) / classes.length}%`;
        light.style.height = `${100 / classes.length}%`;
        return light;
      }));
    });
  }

  /**
   * Keeps a layer's card open, or closes it.
   * @param {number | null} index
   */
  choose(index) {
    this.chosen = index;
    this.show(index);
  }

  /** @param {number | null} index */
  show(index) {
    this.open = index;
    const layer = index === null ? undefined : this.update?.layers[index];
    this.nodes.card.hidden = !layer;
    this.cells.forEach(({ node }, at) => node.setAttribute("aria-pressed", String(at === this.chosen)));
    if (!layer || index === null) return;
    for (const row of /** @type {const} */ (["sent", "guess"])) {
      this.paint(/** @type {HTMLCanvasElement} */ (this.large[row]), layer, index, row);
    }
    const said = words.layer(layer, this.distances[layer.name]).map(translate);
    this.cells[index].node.setAttribute("aria-label", said.join(" "));
    if (this.large.said.textContent !== said.join("")) {
      this.large.said.replaceChildren(...said.map((line) => Object.assign(element("span", ""), { textContent: line })));
    }
    this.hide.textContent = translate(words.hiding(layer.norm === null));
    this.hide.style.visibility = index === this.chosen ? "visible" : "hidden";
  }
}

/**
 * @param {string} name
 * @param {string} className
 */
function element(name, className) {
  return Object.assign(document.createElement(name), { className });
}
