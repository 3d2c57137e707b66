// @ts-check
// The update as bytes and as pixels: what the server packed in gradleak_core/tiles.py, unpacked and coloured.
/** @import { Layer } from "./types" */

const KEPT = 64;
const MOST_MATRICES = 7;

/** @typedef {[red: number, green: number, blue: number]} Colour */
/** @typedef {{ below: Colour, zero: Colour, above: Colour, dropped: Colour }} Palette */

/**
 * The signed bytes of all layers in a row.
 * @param {string} text base64
 */
export function unpack(text) {
  const binary = atob(text);
  return Int8Array.from({ length: binary.length }, (_, at) => binary.charCodeAt(at));
}

/**
 * Where the bytes of each layer begin, and after the last one where they end.
 * @param {Layer[]} layers
 */
export function offsets(layers) {
  const at = [0];
  for (const { form } of layers) at.push(at[at.length - 1] + form.reduce((size, side) => size * side, 1));
  return at;
}

/**
 * Columns and rows of pixels of a layer's tile; pictures stand side by side in a square with a gap between them.
 * @param {number[]} form
 */
export function extent(form) {
  if (form.length === 2) return { width: form[1], height: form[0], columns: 1 };
  const [number, , height, width] = form;
  const columns = Math.ceil(Math.sqrt(number));
  const gap = columns > 1 ? 1 : 0;
  return { width: columns * (width + gap) - gap, height: Math.ceil(number / columns) * (height + gap) - gap, columns };
}

/**
 * The pixels of a layer, four bytes each. A byte keeps the root of a value's share of the scale.
 * @param {Pick<Layer, "form" | "signs">} layer
 * @param {Int8Array} bytes its own
 * @param {Palette} palette
 * @param {Int8Array | null} [before] the same entries before the defence; those that became zero are grey
 * @param {Int8Array} [range] the layer whose range a picture is stretched to, itself unless given
 */
export function paint({ form, signs }, bytes, palette, before = null, range = bytes) {
  const { width, height } = extent(form);
  const pixels = new Uint8ClampedArray(4 * width * height);
  if (form.length === 4) return develop(form, signs, bytes, range, pixels);
  bytes.forEach((byte, at) => {
    pixels.set(byte === 0 && before && before[at] !== 0 ? palette.dropped : mix(palette, byte), 4 * at);
    pixels[4 * at + 3] = 255;
  });
  return pixels;
}

/**
 * @param {Omit<Palette, "dropped">} palette
 * @param {number} byte
 * @returns {Colour}
 */
export function mix({ below, zero, above }, byte) {
  const share = Math.min(1, Math.abs(byte) / 127);
  const end = byte < 0 ? below : above;
  return /** @type {Colour} */ (zero.map((from, channel) => from + share * (end[channel] - from)));
}

/**
 * The theme's colours for what is below and above zero.
 * @param {HTMLElement} node
 * @param {string} ground what the theme calls the colour of zero
 * @param {string} otherwise that colour where there is no theme
 * @param {number} strength of what was dropped, of 127
 * @returns {Palette}
 */
export function themed(node, ground, otherwise, strength) {
  const style = getComputedStyle(node);
  /** @type {(name: string, instead: string) => Colour} */
  const read = (name, instead) => rgb(style.getPropertyValue(`--st-${name}`).trim() || instead);
  const [zero, grey] = [read(ground, otherwise), read("gray-color", "#808080")];
  const dropped = mix({ below: zero, zero, above: grey }, strength);
  return { below: read("blue-color", "#2563a8"), zero, above: read("orange-color", "#b45309"), dropped };
}

/**
 * @param {string} colour #rrggbb or rgb(r, g, b)
 * @returns {Colour}
 */
function rgb(colour) {
  const hex = /^#(..)(..)(..)/.exec(colour);
  const parts = hex ? hex.slice(1).map((part) => parseInt(part, 16)) : colour.match(/[\d.]+/g)?.map(Number) ?? [];
  return [parts[0] ?? 128, parts[1] ?? 128, parts[2] ?? 128];
}

/** @param {number} byte the value that it stands for, -1 to 1 */
const value = (byte) => Math.sign(byte) * (byte / 127) ** 2;

/**
 * Entries as pictures. A dense row is a private picture times a factor: it is stretched to its own range, and turned
 * over where the factor is negative. Kernels keep one scale, and grey is zero.
 * @param {number[]} form
 * @param {number[]} signs
 * @param {Int8Array} bytes
 * @param {Int8Array} range
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels
 */
function develop(form, signs, bytes, range, pixels) {
  const [number, channels, height, width] = form;
  const size = channels * height * width;
  const { width: wide, columns } = extent(form);
  const gap = columns > 1 ? 1 : 0;
  for (let picture = 0; picture < number; picture += 1) {
    const shade = shading(range.subarray(picture * size, (picture + 1) * size), signs[picture]);
    const [left, top] = [(picture % columns) * (width + gap), Math.floor(picture / columns) * (height + gap)];
    for (let at = 0; at < height * width; at += 1) {
      const to = 4 * ((top + Math.floor(at / width)) * wide + left + (at % width));
      for (let channel = 0; channel < 3; channel += 1) {
        const from = picture * size + Math.min(channel, channels - 1) * height * width + at;
        pixels[to + channel] = 255 * shade(bytes[from]);
      }
      pixels[to + 3] = 255;
    }
  }
  return pixels;
}

/**
 * From a byte to a brightness, 0 to 1.
 * @param {Int8Array} bytes
 * @param {number | undefined} sign of a picture that is stretched
 * @returns {(byte: number) => number}
 */
function shading(bytes, sign) {
  if (!sign) return (byte) => 0.5 + byte / 254;
  const values = Array.from(bytes, (byte) => sign * value(byte));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (byte) => (high > low ? (sign * value(byte) - low) / (high - low) : 0.5);
}

/**
 * The layers in lines of about as many matrices each, so that a large network's are not too thin to see.
 * @param {Layer[]} layers
 * @returns {number[][]}
 */
export function lines(layers) {
  const matrices = layers.filter(({ form }) => breadth(form) > 1).length;
  const count = Math.min(4, Math.max(1, Math.ceil(matrices / MOST_MATRICES)));
  /** @type {number[][]} */
  const found = Array.from({ length: count }, () => []);
  let seen = 0;
  layers.forEach(({ form }, index) => {
    const line = Math.min(count - 1, Math.floor((Math.max(0, seen - (breadth(form) > 1 ? 0 : 1)) * count) / matrices));
    found[line].push(index);
    if (breadth(form) > 1) seen += 1;
  });
  return found;
}

/**
 * How wide a tile is beside the others.
 * @param {number[]} form
 */
export function breadth(form) {
  if (form.length === 2) return form[1] === 1 ? 1 : 6;
  return form[0] <= 4 ? 10 : 7;
}

/**
 * The threat model's hidden layers with one more, or without one that was hidden: `conv1.*` for each of its tensors.
 * @param {string} hidden
 * @param {string} name of a tensor
 * @param {boolean} gone it is hidden already
 */
export function hide(hidden, name, gone) {
  const patterns = hidden.split(",").map((pattern) => pattern.trim()).filter(Boolean);
  if (gone) return patterns.filter((pattern) => !fits(pattern, name)).join(", ");
  return [...patterns, name.includes(".") ? name.replace(/\.[^.]*$/, ".*") : name].join(", ");
}

/**
 * @param {string} pattern
 * @param {string} name
 */
function fits(pattern, name) {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${escaped}$`).test(name);
}

/** The tiles of the newest frames, older ones fetched again when asked for. */
export class Shelf {
  /** @type {Map<number, Int8Array | null>} null while they are awaited, and where there are none */
  kept = new Map();

  /**
   * @param {(iteration: number) => Promise<string>} ask empty where there are none
   * @param {() => void} changed called when some have come
   */
  constructor(ask, changed) {
    this.ask = ask;
    this.changed = changed;
  }

  /**
   * @param {number} iteration
   * @param {string} text
   */
  keep(iteration, text) {
    this.kept.delete(iteration);
    this.kept.set(iteration, text ? unpack(text) : null);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT) this.kept.delete(oldest);
  }

  /** @param {number} iteration */
  look(iteration) {
    const found = this.kept.get(iteration);
    if (found !== undefined) return found;
    this.keep(iteration, "");
    this.ask(iteration).catch(() => "").then((text) => {
      this.keep(iteration, text);
      if (text) this.changed();
    });
    return null;
  }
}
