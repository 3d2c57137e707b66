// A picture of a batch is B images stacked top to bottom; here each gets a canvas of its own, scaled by the style sheet.
const FACTOR = 4;

/** The three pictures side by side: private image, guess, and what is between them. */
export class Panels {
  constructor(find) {
    this.boxes = { truth: find("truth"), guess: find("guess"), difference: find("difference") };
    this.scratch = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    this.clear();
  }

  clear() {
    this.truth = null;
    for (const box of Object.values(this.boxes)) {
      box.replaceChildren();
      box.dataset.key = "";
    }
  }

  showTruth(picture, batch) {
    this.truth = this.pixels(picture);
    this.put("truth", this.truth, batch);
  }

  showGuess(picture, batch) {
    const guess = this.pixels(picture);
    this.put("guess", guess, batch);
    if (this.truth?.data.length === guess.data.length) this.put("difference", difference(this.truth, guess), batch);
  }

  /** Marks each guess of a batch with a tick or a cross; one picture has its caption instead. */
  mark(right) {
    const tiles = this.boxes.guess.children;
    for (let index = 0; index < tiles.length; index += 1) {
      const mark = right.length > 1 ? (right[index] ? "✓" : "✗") : "";
      if (tiles[index].dataset.mark !== mark) tiles[index].dataset.mark = mark;
    }
  }

  pixels(picture) {
    const { canvas } = this.scratch;
    if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
    this.scratch.clearRect(0, 0, canvas.width, canvas.height);
    this.scratch.drawImage(picture, 0, 0);
    return this.scratch.getImageData(0, 0, canvas.width, canvas.height);
  }

  layOut(box, batch, width, height) {
    const key = [batch, width, height].join();
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    box.style.setProperty("--gl-columns", Math.ceil(Math.sqrt(batch)));
    box.classList.toggle("gl-coarse", width <= 128);
    box.replaceChildren(...Array.from({ length: batch }, () => tile(width, height)));
  }

  put(name, pixels, batch) {
    const [box, width, height] = [this.boxes[name], pixels.width, pixels.height / batch];
    this.layOut(box, batch, width, height);
    [...box.children].forEach((node, index) => {
      node.firstChild.getContext("2d").putImageData(pixels, 0, -index * height, 0, index * height, width, height);
    });
  }
}

function tile(width, height) {
  const node = document.createElement("span");
  node.className = "gl-tile";
  node.append(Object.assign(document.createElement("canvas"), { width, height }));
  return node;
}

function difference(one, other) {
  const result = new ImageData(one.width, one.height);
  for (let at = 0; at < one.data.length; at += 1) {
    result.data[at] = at % 4 === 3 ? 255 : Math.abs(one.data[at] - other.data[at]) * FACTOR;
  }
  return result;
}

/** A row of small pictures of the evolution; each slot is a button that goes to its iteration. */
export class FilmStrip {
  constructor(node, slots, go) {
    this.slots = Array.from({ length: slots }, () => {
      const button = document.createElement("button");
      const label = document.createElement("span");
      Object.assign(button, { type: "button", className: "gl-frame", disabled: true });
      button.append(Object.assign(document.createElement("canvas"), { width: 64, height: 64 }), label);
      button.addEventListener("click", () => go(Number(button.dataset.iteration)));
      return button;
    });
    node.replaceChildren(...this.slots);
  }

  /** Shows `frames`, asking `album` only for the slots that changed. */
  async show(frames, album, batch) {
    const jobs = this.slots.map(async (button, index) => {
      const iteration = frames[index]?.iteration;
      if (button.dataset.iteration === String(iteration ?? "")) return;
      button.dataset.iteration = iteration ?? "";
      if (iteration === undefined) return empty(button);
      const picture = await album.get(iteration).catch(() => null);
      if (picture && button.dataset.iteration === String(iteration)) fill(button, iteration, picture, batch);
    });
    await Promise.all(jobs);
  }

  clear() {
    for (const button of this.slots) {
      button.dataset.iteration = "";
      empty(button);
    }
  }

  point(iteration) {
    const shown = this.slots.findLast((button) => !button.disabled && Number(button.dataset.iteration) <= iteration);
    for (const button of this.slots) button.toggleAttribute("aria-current", button === shown);
  }
}

function empty(button) {
  button.disabled = true;
  button.lastChild.textContent = "";
  button.removeAttribute("aria-label");
  button.firstChild.getContext("2d").clearRect(0, 0, button.firstChild.width, button.firstChild.height);
}

function fill(button, iteration, picture, batch) {
  const canvas = button.firstChild;
  const columns = Math.ceil(Math.sqrt(batch));
  const [width, height] = [picture.width, picture.height / batch];
  const size = Math.max(1, Math.floor(Math.min(128, columns * width) / columns));
  Object.assign(canvas, { width: columns * size, height: Math.ceil(batch / columns) * size });
  const context = canvas.getContext("2d");
  for (let index = 0; index < batch; index += 1) {
    context.drawImage(picture, 0, index * height, width, height, (index % columns) * size, Math.floor(index / columns) * size, size, size);
  }
  button.disabled = false;
  button.lastChild.textContent = iteration;
  button.setAttribute("aria-label", `Go to iteration ${iteration}`);
}
