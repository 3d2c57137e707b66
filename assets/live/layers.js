// @ts-check
// The heat strip, for runs that were stored without the tiles of their updates.
/** @import { Find } from "./types" */
import { translate } from "./language.js";
import { small } from "./words.js";

/** One cell a parameter tensor: pale at distance 1 (nothing matches), full at 10⁻⁴ and below. */
export class Layers {
  /** @type {string[]} */
  names = [];
  /** @type {(number | null)[]} */
  values = [];
  /** @type {HTMLElement[]} */
  cells = [];
  /** @type {number | null} */
  chosen = null;

  /** @param {Find} find */
  constructor(find) {
    this.nodes = { heat: find("heat"), text: find("layer-text"), list: find("layer-list") };
    this.empty = this.nodes.text.textContent;
  }

  /** @param {Record<string, number | null>} layers the distance of each */
  show(layers) {
    const names = Object.keys(layers);
    if (names.join() !== this.names.join()) this.layOut(names);
    this.values = names.map((name) => layers[name]);
    this.values.forEach((value, index) => {
      const share = matched(value);
      this.cells[index].style.setProperty("--gl-heat", `${Math.round(100 * share)}%`);
      this.cells[index].classList.toggle("gl-deep", share > 0.75);
    });
    this.nodes.list.parentElement?.toggleAttribute("hidden", !names.length);
    this.write();
  }

  /** @param {string[]} names */
  layOut(names) {
    this.names = names;
    this.chosen = null;
    this.cells = names.map((name, index) => {
      const cell = document.createElement("button");
      Object.assign(cell, { type: "button", className: "gl-cell" });
      cell.append(span(String(index + 1)), span(name));
      cell.addEventListener("click", () => this.choose(index));
      return cell;
    });
    this.nodes.heat.replaceChildren(...this.cells);
    this.nodes.heat.classList.toggle("gl-many", names.length > 24);
    this.nodes.list.replaceChildren(...names.map(() => document.createElement("li")));
  }

  /**
   * Chooses a layer, or lets go of it.
   * @param {number} index
   */
  choose(index) {
    this.chosen = this.chosen === index ? null : index;
    this.write();
  }

  write() {
    if (!this.names.length) {
      this.nodes.text.textContent = this.empty;
      return;
    }
    /** @type {(index: number) => string} */
    const say = (index) => `${index + 1} ${this.names[index]} ${small(this.values[index])}`;
    const chosen = this.chosen === null ? "Choose a layer to follow it." : `Chosen: ${say(this.chosen)}`;
    this.nodes.text.textContent = translate(`Worst: ${say(this.worst)} · ${chosen}`);
    this.cells.forEach((cell, index) => {
      cell.setAttribute("aria-pressed", String(index === this.chosen));
      cell.setAttribute("aria-label", translate(`Layer ${say(index)}`));
      this.nodes.list.children[index].textContent = `${this.names[index]}: ${small(this.values[index])}`;
    });
  }

  get worst() {
    const distances = this.values.map((value) => value ?? 0);
    return distances.indexOf(Math.max(...distances));
  }
}

/**
 * From 0, nothing matches, to 1.
 * @param {number | null} distance
 */
export function matched(distance) {
  if (typeof distance !== "number") return 0;
  return Math.min(1, Math.max(0, -Math.log10(Math.max(distance, 1e-9)) / 4));
}

/** @param {string} words */
function span(words) {
  return Object.assign(document.createElement("span"), { textContent: words });
}
