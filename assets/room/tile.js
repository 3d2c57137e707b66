// @ts-check
// The wall: everybody's live thumbnails, over one socket for all of them.
import { say, translate } from "../live/language.js";
import { describe } from "./followed.js";
import { Line } from "./line.js";
import { make, write } from "./make.js";

const NONE = "Nobody in the room has a run yet.";

export class TileWall {
  /**
   * @param {Record<string, string>} words of statuses
   * @param {(run: string) => Promise<any>} [pin] pins a run to the big screen, where somebody may
   */
  constructor(words, pin) {
    this.words = words ?? {};
    /** @type {Map<string, any>} */
    this.tiles = new Map();
    /** @type {Map<string, any>} */
    this.parts = new Map();
    this.none = make("p", { className: "ro-quiet" }, say(NONE));
    this.grid = make("ul", { className: "wa-grid" });
    this.large = make("dialog", { className: "wa-large" });
    this.picture = make("img", { className: "ro-picture", alt: say("The attacker's guess") });
    this.title = make("h2");
    this.numbers = make("p", { className: "ro-numbers" });
    this.said = make("p", { className: "ro-refused", role: "alert" });
    const close = make("button", { type: "button", className: "ro-button" }, say("Close"));
    close.addEventListener("click", () => this.large.close());
    const pins = make("button", { type: "button", className: "ro-main" }, say("Pin to the wall"));
    pins.addEventListener("click", async () => {
      try {
        await pin?.(this.enlarged);
        this.large.close();
      } catch (error) {
        write(this.said, /** @type {Error} */ (error).message);
      }
    });
    this.large.append(
      this.title,
      this.picture,
      this.numbers,
      this.said,
      make("p", { className: "ro-line" }, pin ? pins : null, close),
    );
    this.large.addEventListener(
      "click",
      (/** @type {Event} */ event) => event.target === this.large && this.large.close(),
    );
    this.element = make("section", { className: "wa-wall" }, this.none, this.grid, this.large);
    this.enlarged = "";
    /** @type {Line | null} */
    this.line = null;
    this.heard = (/** @type {any[]} */ _) => {};
  }

  /**
   * @param {boolean} watched
   * @param {(tiles: any[]) => void} [heard] is told the tiles that have changed
   */
  watch(watched, heard = () => undefined) {
    this.heard = heard;
    if (watched && !this.line) this.line = new Line("wall", (message) => this.hear(message));
    if (!watched && this.line) {
      this.line.close();
      this.line = null;
    }
    if (watched) heard([...this.tiles.values()]);
  }

  /** @param {any} message */
  hear({ tiles, gone }) {
    for (const run of gone ?? []) {
      this.tiles.delete(run);
      this.parts.get(run)?.element.remove();
      this.parts.delete(run);
    }
    for (const news of tiles) {
      const tile = { likeness: null, picture: null, ...this.tiles.get(news.run), ...news };
      if (tile.covered) tile.picture = null;
      this.tiles.set(news.run, tile);
      if (!this.parts.has(news.run)) this.add(tile);
      this.write(this.parts.get(news.run), tile);
    }
    const covered = [...this.tiles.values()].some((tile) => tile.covered);
    this.grid.hidden = covered;
    this.none.hidden = this.tiles.size > 0 && !covered;
    write(this.none, covered ? say("All runs are covered while a picture is being named.") : say(NONE));
    this.heard(tiles);
  }

  /** @param {any} tile */
  add(tile) {
    const part = {
      created: tile.created,
      image: make("img", { className: "wa-picture", alt: "" }),
      by: make("strong", { className: "wa-by" }),
      title: make("span", { className: "wa-title" }),
      word: make("span", { className: "wa-word" }),
      bar: make("span", { className: "wa-bar" }),
      likeness: make("span", { className: "wa-likeness", title: say("Likeness, from 0 to 1") }),
      /** @type {any} */
      element: null,
    };
    const press = make(
      "button",
      { type: "button", className: "wa-tile" },
      make("span", { className: "wa-frame" }, part.image),
      make("span", { className: "wa-progress" }, part.bar),
      make("span", { className: "wa-line" }, part.by, part.likeness),
      part.word,
      part.title,
    );
    press.addEventListener("click", () => this.enlarge(tile.run));
    part.element = make("li", { data: { run: tile.run } }, press);
    const after = [...this.parts.values()]
      .filter((other) => other.created < tile.created)
      .sort((a, b) => b.created - a.created)[0];
    this.grid.insertBefore(part.element, after?.element ?? null);
    this.parts.set(tile.run, part);
  }

  /**
   * @param {any} part
   * @param {any} tile
   */
  write(part, tile) {
    if (tile.picture && part.image.src !== tile.picture) part.image.src = tile.picture;
    part.image.hidden = !tile.picture;
    write(part.by, tile.by || say("Host"));
    write(part.title, translate(tile.title));
    write(part.word, say(tile.word || this.words[tile.status] || tile.status));
    write(part.likeness, tile.covered || tile.likeness === null ? "" : tile.likeness.toFixed(2));
    part.word.dataset.word = tile.covered ? "" : tile.word;
    const done = tile.steps ? Math.min(1, tile.iteration / tile.steps) : 0;
    part.bar.style.width = `${100 * (["queued", "running", "paused"].includes(tile.status) ? done : 1)}%`;
    part.element.dataset.status = tile.status;
    if (this.enlarged === tile.run) this.writeLarge(tile);
  }

  /** @param {string} run */
  enlarge(run) {
    this.enlarged = run;
    write(this.said, "");
    this.writeLarge(this.tiles.get(run));
    this.large.showModal();
  }

  /** @param {any} tile */
  writeLarge(tile) {
    write(this.title, nameTile(tile));
    this.picture.hidden = !tile.picture;
    if (tile.picture) this.picture.src = tile.picture;
    write(this.numbers, `${say(this.words[tile.status] ?? tile.status)} · ${describe(tile)}`);
  }
}

/**
 * Whose a run is, and what it is.
 * @param {any} tile
 */
export function nameTile({ by, title }) {
  return `${by || say("Host")}: ${translate(title)}`;
}
