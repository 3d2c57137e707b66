// @ts-check
// A picture of a batch is B images stacked top to bottom; here each gets a canvas of its own, scaled by the style
// sheet.
/** @import { Album } from "./album.js" */
/** @import { Find, Frame, Picture } from "./types" */
import { translate } from "./language.js";

/** The error of a pixel, of 255 and as the mean over its colours, from which it is drawn in full. */
const FULL = 64;
/** The share of a pixel's range up to which an error cannot be seen. */
const FAINT = 0.02;

/** @typedef {"truth" | "guess" | "difference"} Panel */

/** The three pictures side by side: private picture, guess, and what is between them. */
export class Panels {
  /** @type {ImageData | null} */
  truth = null;

  /** @param {Find} find */
  constructor(find) {
    this.boxes = { truth: find("truth"), guess: find("guess"), difference: find("difference") };
    this.canvas = new OffscreenCanvas(1, 1);
    this.scratch = drawing(this.canvas, { willReadFrequently: true });
    this.clear();
  }

  clear() {
    this.truth = null;
    for (const box of Object.values(this.boxes)) {
      box.replaceChildren();
      box.dataset.key = "";
      box.dataset.said = "";
    }
  }

  /**
   * @param {Picture} picture
   * @param {number} batch
   */
  showTruth(picture, batch) {
    this.truth = this.pixels(picture);
    this.put("truth", this.truth, batch);
  }

  /**
   * @param {Picture} picture
   * @param {number} batch
   */
  showGuess(picture, batch) {
    const guess = this.pixels(picture);
    this.put("guess", guess, batch);
    if (this.truth?.data.length !== guess.data.length) return;
    const off = difference(this.truth, guess, this.colour);
    this.put("difference", off, batch);
    const none = `No pixel is more than ${100 * FAINT}\u00a0% off.`;
    this.boxes.difference.dataset.said = faint(off) ? translate(none) : "";
  }

  /** The colour of an error, which the style sheet says. */
  get colour() {
    return getComputedStyle(this.boxes.difference).color.match(/[\d.]+/g)?.slice(0, 3).map(Number) ?? [];
  }

  /**
   * Marks each guess of a batch with a tick or a cross; one picture has its caption instead.
   * @param {boolean[]} right
   */
  mark(right) {
    [...this.boxes.guess.children].forEach((tile, index) => {
      const mark = right.length > 1 ? sign(right[index]) : "";
      if (tile instanceof HTMLElement && tile.dataset.mark !== mark) tile.dataset.mark = mark;
    });
  }

  /** @param {Picture} picture */
  pixels(picture) {
    const { width, height } = picture;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.scratch.clearRect(0, 0, width, height);
    this.scratch.drawImage(picture, 0, 0);
    return this.scratch.getImageData(0, 0, width, height);
  }

  /**
   * @param {HTMLElement} box
   * @param {number} batch
   * @param {number} width
   * @param {number} height
   */
  layOut(box, batch, width, height) {
    const key = [batch, width, height].join();
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    box.style.setProperty("--gl-columns", String(Math.ceil(Math.sqrt(batch))));
    box.classList.toggle("gl-coarse", width <= 128);
    box.replaceChildren(...Array.from({ length: batch }, () => tile(width, height)));
  }

  /**
   * @param {Panel} name
   * @param {ImageData} pixels
   * @param {number} batch
   */
  put(name, pixels, batch) {
    const [box, width, height] = [this.boxes[name], pixels.width, pixels.height / batch];
    this.layOut(box, batch, width, height);
    box.querySelectorAll("canvas").forEach((canvas, index) => {
      drawing(canvas).putImageData(pixels, 0, -index * height, 0, index * height, width, height);
    });
  }
}

/** @param {boolean} right */
const sign = (right) => (right ? "✓" : "✗");

/**
 * What one draws on a canvas with.
 * @template {HTMLCanvasElement | OffscreenCanvas} Canvas
 * @param {Canvas} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 * @returns {Canvas extends HTMLCanvasElement ? CanvasRenderingContext2D : OffscreenCanvasRenderingContext2D}
 */
function drawing(canvas, settings) {
  return /** @type {any} */ (canvas.getContext("2d", settings));
}

/**
 * @param {number} width
 * @param {number} height
 */
function tile(width, height) {
  const node = document.createElement("span");
  node.className = "gl-tile";
  node.append(Object.assign(document.createElement("canvas"), { width, height }));
  return node;
}

/**
 * The error of each pixel in one colour: clear where both pictures are the same, full where they are far apart.
 * @param {ImageData} one
 * @param {ImageData} other
 * @param {number[]} colour red, green and blue
 */
export function difference(one, other, colour) {
  const result = new ImageData(one.width, one.height);
  for (let at = 0; at < one.data.length; at += 4) {
    let sum = 0;
    for (let channel = 0; channel < 3; channel += 1) {
      sum += Math.abs(one.data[at + channel] - other.data[at + channel]);
      result.data[at + channel] = colour[channel];
    }
    result.data[at + 3] = (255 * sum) / 3 / FULL; // a Uint8ClampedArray: at most 255
  }
  return result;
}

/**
 * Whether nothing is to be seen in the picture of an error.
 * @param {ImageData} off
 */
export function faint({ data }) {
  const most = (FAINT * 255 * 255) / FULL;
  for (let at = 3; at < data.length; at += 4) if (data[at] > most) return false;
  return true;
}

/** A row of small pictures of the evolution; each slot is a button that goes to its iteration. */
export class FilmStrip {
  /**
   * @param {HTMLElement} node
   * @param {number} slots
   * @param {(iteration: number) => void} go
   */
  constructor(node, slots, go) {
    this.slots = Array.from({ length: slots }, () => new Slot(go));
    node.replaceChildren(...this.slots.map(({ button }) => button));
  }

  /**
   * Shows `frames`, asking `album` only for the slots that changed.
   * @param {Frame[]} frames
   * @param {Album} album
   * @param {number} batch
   */
  async show(frames, album, batch) {
    await Promise.all(this.slots.map((slot, index) => slot.show(frames[index]?.iteration ?? null, album, batch)));
  }

  clear() {
    for (const slot of this.slots) slot.clear();
  }

  /** @param {number} iteration */
  point(iteration) {
    const shown = this.slots.findLast((slot) => !slot.button.disabled && (slot.iteration ?? 0) <= iteration);
    for (const slot of this.slots) slot.button.toggleAttribute("aria-current", slot === shown);
  }
}

/** One small picture, or the room for one. */
export class Slot {
  /** @type {number | null} */
  iteration = null;

  /** @param {(iteration: number) => void} go */
  constructor(go) {
    this.canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    this.label = document.createElement("span");
    this.button = document.createElement("button");
    Object.assign(this.button, { type: "button", className: "gl-frame", disabled: true });
    this.button.setAttribute("aria-label", translate("No picture yet"));
    this.button.append(this.canvas, this.label);
    this.button.addEventListener("click", () => go(this.iteration ?? 0));
  }

  /**
   * @param {number | null} iteration
   * @param {Album} album
   * @param {number} batch
   */
  async show(iteration, album, batch) {
    if (iteration === this.iteration) return;
    if (iteration === null) return this.clear();
    this.name(iteration);
    const picture = await album.get(iteration).catch(() => null);
    if (picture && this.iteration === iteration) this.fill(iteration, picture, batch);
  }

  clear() {
    this.name(null);
    this.button.disabled = true;
    this.label.textContent = "";
    this.button.setAttribute("aria-label", translate("No picture yet"));
    drawing(this.canvas).clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {number | null} iteration */
  name(iteration) {
    this.iteration = iteration;
    this.button.dataset.iteration = String(iteration ?? "");
  }

  /**
   * @param {number} iteration
   * @param {Picture} picture
   * @param {number} batch
   */
  fill(iteration, picture, batch) {
    const columns = Math.ceil(Math.sqrt(batch));
    const [width, height] = [picture.width, picture.height / batch];
    const size = Math.max(1, Math.floor(Math.min(128, columns * width) / columns));
    Object.assign(this.canvas, { width: columns * size, height: Math.ceil(batch / columns) * size });
    const context = drawing(this.canvas);
    for (let index = 0; index < batch; index += 1) {
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      context.drawImage(picture, 0, index * height, width, height, x, y, size, size);
    }
    this.button.disabled = false;
    this.label.textContent = String(iteration);
    this.button.setAttribute("aria-label", translate(`Go to iteration ${iteration}`));
  }
}
