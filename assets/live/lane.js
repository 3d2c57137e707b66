// @ts-check
// One lane of a race: a run with its trace, its pictures and its place on the common clock.
/** @import { Frame, Head, Picture } from "./types" */
import { Album, decode } from "./album.js";
import { describe, text } from "./controls.js";
import { translate, translateAll } from "./language.js";
import { Cursor } from "./cursor.js";
import { Panels } from "./pictures.js";
import { leftBehind, moment, price, score } from "./race_words.js";
import { ENDED, LiveSource } from "./source.js";
import { Shelf } from "./tiles.js";
import { Trace } from "./trace.js";
import { clearing, recognisable } from "./words.js";

/** @typedef {"iterations" | "seconds"} By what the lanes have in common at the moment on show */
/**
 * What a lane has done: something to draw, a moment to go to, its update to show.
 * @typedef {object} Acts
 * @property {() => void} changed
 * @property {(lane: Lane, frame: Frame) => void} go called with the frame at which this lane crossed the line
 * @property {(lane: Lane) => void} look
 */

export class Lane {
  trace = new Trace();
  /** @type {LiveSource | null} */
  source = null;
  /** @type {Picture | null} the guess that was drawn last */
  drawn = null;
  asked = false;
  /** the private picture is not to be shown */
  covered = false;
  count = 0;
  /** its update is on show */
  open = false;
  /** the newest iteration whose picture was heard */
  newest = 0;

  /**
   * @param {number} number from 1
   * @param {string} name
   * @param {Acts} acts
   */
  constructor(number, name, { changed, go, look }) {
    this.number = number;
    this.name = name;
    this.changed = changed;
    this.album = new Album((iteration) => this.source?.frame(iteration));
    this.shelf = new Shelf(async (iteration) => this.source?.tiles(iteration) ?? "", changed);
    this.cursor = new Cursor(this.trace, this.album, changed);
    this.node = build(number, name);
    this.panels = new Panels(/** @type {any} */ ((/** @type {string} */ part) => this.part(part)));
    this.part("moment").addEventListener("click", () => this.crossing && go(this, this.crossing));
    for (const part of ["name", "pair"]) this.part(part).addEventListener("click", () => look(this));
  }

  /**
   * @param {string} name
   * @returns {HTMLElement}
   */
  part(name) {
    return /** @type {HTMLElement} */ (this.node.querySelector(`[data-lane-part=${name}]`));
  }

  /** @param {boolean} open whether its update is on show */
  press(open) {
    this.open = open;
    this.part("name").setAttribute("aria-pressed", String(open));
    this.node.classList.toggle("gl-looked", open);
  }

  /**
   * Follows a run on the server, or shows one that has ended.
   * @param {string} api
   * @param {string} run
   * @param {(tries: number) => void} lost
   */
  attach(api, run, lost) {
    this.trace.head.status = "loading";
    this.source = new LiveSource(api, run, (head, picture) => this.hear(head, picture), (tries) => {
      this.trace.lose();
      lost(tries);
    });
    this.source.open();
  }

  close() {
    this.source?.close();
    this.cursor.close();
  }

  /**
   * @param {Head} head
   * @param {Blob | string | null} [picture]
   */
  async hear(head, picture) {
    this.trace.add(head, performance.now() / 1000);
    if (this.open && head.tiles && head.picture != null) this.shelf.keep(head.picture, head.tiles);
    this.seeTruth();
    const decoded = picture && head.picture != null ? await decode(picture).catch(() => null) : null;
    if (decoded && head.picture != null) {
      this.album.keep(head.picture, decoded);
      this.newest = Math.max(this.newest, head.picture);
    }
    this.changed();
  }

  /**
   * Shows the newest picture at or before a moment, so that no lane is seen ahead of the others.
   * @param {number} at
   * @param {By} by
   */
  keepUp(at, by) {
    const { album, cursor, trace } = this;
    if (!cursor.following) return;
    const wanted = this.frameAt(at, by);
    const frame = trace.frames.findLast((one) => album.pictures.has(one.iteration) && place(one, by) <= at + 1e-9);
    const picture = frame && album.pictures.get(frame.iteration);
    if (picture && frame.iteration !== cursor.shown) cursor.show(frame.iteration, picture);
    if (wanted && frame !== wanted && cursor.wish !== wanted.iteration) cursor.fetch(wanted.iteration); // it was lost
  }

  /**
   * How far along the common clock the newest picture of the lane lies.
   * @param {By} by
   */
  seen(by) {
    const { trace, newest } = this;
    return newest ? place(trace.frames[trace.index(newest)], by) : 0;
  }

  async seeTruth() {
    if (this.asked || this.covered || !this.source || !this.trace.head.labels?.length) return;
    this.asked = true;
    const picture = await decode(this.source.truth).catch(() => null);
    if (picture && !this.cursor.closed) this.showTruth(picture, this.batch);
  }

  /**
   * @param {Picture} picture
   * @param {number} batch
   */
  showTruth(picture, batch) {
    this.panels.showTruth(picture, batch);
    this.drawn = null;
    this.changed();
  }

  get batch() {
    return this.trace.head.batch || 1;
  }

  get ended() {
    return ENDED.has(this.trace.head.status);
  }

  get under() {
    return ["queued", "running", "paused", "loading"].includes(this.trace.head.status);
  }

  /** The frame at which the picture was first recognisable. */
  get crossing() {
    return clearing(this.trace);
  }

  /** The last frame before `crossing`. */
  get before() {
    const { frames } = this.trace;
    return frames[frames.findIndex((frame) => frame === this.crossing) - 1] ?? null;
  }

  /**
   * How far along the common clock the lane has come.
   * @param {By} by
   */
  end(by) {
    const last = this.trace.frames.at(-1);
    return last ? place(last, by) : 0;
  }

  /**
   * Goes to the newest frame at or before a moment.
   * @param {number} at
   * @param {By} by
   */
  scrub(at, by) {
    const frame = this.frameAt(at, by);
    if (frame) this.cursor.scrub(frame.iteration);
  }

  /**
   * @param {number} at
   * @param {By} by
   */
  frameAt(at, by) {
    return this.trace.frames.findLast((frame) => place(frame, by) <= at + 1e-9) ?? this.trace.frames[0] ?? null;
  }

  /**
   * @param {Lane} first the lane that this one is compared with
   * @param {number | null} at the moment on show
   * @param {By} by
   */
  draw(first, at, by) {
    const { cursor, node } = this;
    if (cursor.picture && cursor.picture !== this.drawn) {
      this.panels.showGuess(cursor.picture, this.batch);
      this.drawn = cursor.picture;
      node.dataset.pictures = String(this.count += 1);
    }
    const { frame } = cursor;
    const button = /** @type {HTMLButtonElement} */ (this.part("moment"));
    Object.assign(node.dataset, { iteration: cursor.shown ?? "", status: this.trace.head.status });
    node.classList.toggle("gl-crossed", recognisable(frame?.metrics));
    text(this.part("score"), score(frame));
    text(this.part("price"), first === this ? "" : price(frame, first.cursor.frame, this.trace.head.floor));
    text(this.part("end"), this.ended ? leftBehind(this.end(by), at, by) : "");
    text(button, moment(this.crossing, this.trace, this.ended));
    button.disabled = !this.crossing;
    const says = `Lane ${this.number}, ${this.name}: the guess at ${cursor.shown ?? 0}`;
    describe(this.part("guess"), "aria-label", says);
  }
}

/**
 * Where a frame lies on the common clock.
 * @param {Frame} frame
 * @param {By} by
 */
export const place = (frame, by) => (by === "seconds" ? frame.seconds ?? 0 : frame.iteration);

/**
 * @param {number} number
 * @param {string} name
 */
function build(number, name) {
  const node = document.createElement("figure");
  node.className = "gl-lane";
  node.innerHTML = `<figcaption>
      <i></i><button class="gl-name" data-lane-part="name" type="button" aria-pressed="false"></button>
    </figcaption>
    <div class="gl-pair" data-lane-part="pair" title="Show this lane's update">
      <div class="gl-tiles" data-lane-part="guess" role="img" data-empty="The guess appears here."></div>
      <div class="gl-tiles gl-inset" data-lane-part="truth" role="img" aria-label="The private picture"></div>
      <div data-lane-part="difference" hidden></div>
      <span class="gl-end" data-lane-part="end"></span>
    </div>
    <p class="gl-caption" data-lane-part="score"></p>
    <p class="gl-price" data-lane-part="price"></p>
    <button class="gl-moment" data-lane-part="moment" type="button" disabled></button>`;
  const [mark, label] = node.querySelectorAll("figcaption > *");
  mark.textContent = String(number);
  Object.assign(label, { textContent: translate(name), title: `${name}. ${translate("Show this lane's update.")}` });
  translateAll(node);
  return node;
}
