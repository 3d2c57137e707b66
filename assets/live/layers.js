// The heat strip. `small` writes a number; it is handed in so that this file imports nothing.
/** One cell a parameter tensor: pale at distance 1 (nothing matches), full at 10⁻⁴ and below. */
export class Layers {
  constructor(find, small) {
    this.small = small;
    this.nodes = { heat: find("heat"), text: find("layer-text"), list: find("layer-list") };
    this.empty = this.nodes.text.textContent;
    this.names = [];
    this.chosen = null;
  }

  show(layers) {
    const names = Object.keys(layers ?? {});
    if (names.join() !== this.names.join()) this.layOut(names);
    this.values = names.map((name) => layers[name]);
    this.values.forEach((value, index) => this.cells[index].style.setProperty("--gl-heat", `${Math.round(100 * matched(value))}%`));
    this.values.forEach((value, index) => this.cells[index].classList.toggle("gl-deep", matched(value) > 0.75));
    this.write();
  }

  layOut(names) {
    this.names = names;
    this.chosen = null;
    this.cells = names.map((name, index) => {
      const cell = document.createElement("button");
      Object.assign(cell, { type: "button", className: "gl-cell" });
      cell.append(span(index + 1), span(name));
      cell.addEventListener("click", () => { this.chosen = this.chosen === index ? null : index; this.write(); });
      return cell;
    });
    this.nodes.heat.replaceChildren(...this.cells);
    this.nodes.heat.classList.toggle("gl-many", names.length > 24);
    this.nodes.list.replaceChildren(...names.map(() => document.createElement("li")));
  }

  write() {
    if (!this.names.length) {
      this.nodes.text.textContent = this.empty;
      return;
    }
    const say = (index) => `${index + 1} ${this.names[index]} ${this.small(this.values[index])}`;
    const worst = this.values.reduce((at, value, index) => (value > this.values[at] ? index : at), 0);
    const chosen = this.chosen === null ? "Choose a layer to follow it." : `Chosen: ${say(this.chosen)}`;
    this.nodes.text.textContent = `Worst: ${say(worst)} · ${chosen}`;
    this.cells.forEach((cell, index) => {
      cell.setAttribute("aria-pressed", index === this.chosen);
      cell.setAttribute("aria-label", `Layer ${say(index)}`);
      this.nodes.list.children[index].textContent = `${this.names[index]}: ${this.small(this.values[index])}`;
    });
  }
}

const matched = (value) => (typeof value === "number" ? Math.min(1, Math.max(0, -Math.log10(Math.max(value, 1e-9)) / 4)) : 0);

function span(text) {
  return Object.assign(document.createElement("span"), { textContent: text });
}
