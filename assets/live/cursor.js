// @ts-check
/** @import { Album } from "./album.js" */
/** @import { Trace } from "./trace.js" */
/** @import { Picture } from "./types" */

/** Which frame of a trace is on show: the newest, until somebody goes to another. */
export class Cursor {
  following = true;
  /** @type {number | null} the iteration on show */
  shown = null;
  /** @type {Picture | null} its picture */
  picture = null;
  /** @type {number | null} the iteration whose picture is awaited */
  wish = null;
  fetching = false;
  closed = false;

  /**
   * @param {Trace} trace
   * @param {Album} album
   * @param {() => void} changed called whenever something else is to be drawn
   */
  constructor(trace, album, changed) {
    this.trace = trace;
    this.album = album;
    this.changed = changed;
  }

  /** Nothing that is still on its way will be shown. */
  close() {
    this.closed = true;
  }

  /** The numbers of the frame on show. */
  get frame() {
    return this.shown === null ? null : this.trace.frames[this.trace.index(this.shown)];
  }

  /** The iteration that the user is at, even where its picture is still awaited. */
  get at() {
    return this.wish ?? this.shown;
  }

  /**
   * Takes in a picture that has just been made.
   * @param {number} iteration
   * @param {Picture} picture
   */
  hear(iteration, picture) {
    this.album.keep(iteration, picture);
    if (this.following && !this.passed(iteration)) this.show(iteration, picture);
  }

  follow() {
    this.following = true;
    this.wish = null;
    const last = this.trace.frames.at(-1);
    if (last) this.fetch(last.iteration);
    this.changed();
  }

  /**
   * Goes to the newest frame at or before an iteration, and stays there.
   * @param {number} iteration
   */
  scrub(iteration) {
    this.following = false;
    this.fetch(this.trace.frames[this.trace.index(iteration)].iteration);
    this.changed();
  }

  /**
   * Goes some frames on or back; true when that leads beyond the newest.
   * @param {number} by
   */
  move(by) {
    const { frames } = this.trace;
    if (!frames.length) return false;
    const to = this.trace.index(this.at ?? Infinity) + by;
    if (to >= frames.length) return true;
    this.scrub(frames[Math.max(0, to)].iteration);
    return false;
  }

  /**
   * Shows a frame's picture; while one loads, only the newest wish is remembered.
   * @param {number} iteration
   */
  async fetch(iteration) {
    this.wish = iteration;
    if (this.fetching) return;
    this.fetching = true;
    while (this.wish !== null && !this.closed) {
      /** @type {number} */
      const wish = this.wish;
      const picture = await this.album.get(wish).catch(() => null);
      if (picture && !this.closed && !(this.following && this.passed(wish))) this.show(wish, picture);
      if (this.wish === wish) this.wish = null;
    }
    this.fetching = false;
  }

  /**
   * Whether a later iteration is on show already.
   * @param {number} iteration
   */
  passed(iteration) {
    return iteration < (this.shown ?? 0);
  }

  /**
   * @param {number} iteration
   * @param {Picture} picture
   */
  show(iteration, picture) {
    this.shown = iteration;
    this.picture = picture;
    this.changed();
  }
}
