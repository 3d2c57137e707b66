// @ts-check
// One run on the stage: live, or as it was recorded. What is on show stays until the next picture is there.
/** @import { Frame, Head, Picture, Recording, Source } from "../live/types" */
import { Album, decode } from "../live/album.js";
import { Cursor } from "../live/cursor.js";
import { Lane } from "../live/lane.js";
import { LiveSource } from "../live/source.js";
import { Trace } from "../live/trace.js";
import { Replay, crossing } from "./rescue.js";

export class Player extends Lane {
  /** when something new was heard last, in milliseconds */
  heard = 0;
  /** @type {Frame | null} the frame that stays on show until a later one is there */
  former = null;
  /** the iteration that a picture must be beyond to be shown */
  beyond = 0;
  /** a private picture is on show */
  truthful = false;

  /**
   * @param {number} number from 1
   * @param {string} name
   * @param {() => void} changed
   */
  constructor(number, name, changed) {
    super(number, name, { changed, go: () => undefined, look: () => undefined });
  }

  /** The frame on show. */
  get frame() {
    return this.cursor.frame ?? this.former;
  }

  /**
   * Follows a run on the server from its beginning.
   * @param {string} api
   * @param {string} run
   * @param {() => void} lost
   */
  follow(api, run, lost) {
    this.renew(null, 0);
    const gone = () => { this.trace.marks = []; lost(); };
    this.play((hear) => new LiveSource(api, run, hear, gone));
    this.trace.head.status = "loading";
  }

  /**
   * Plays a recording, from where the frame on show is.
   * @param {Recording} recording
   * @param {number} visibly
   * @param {boolean} on it goes on with what is on show; else it begins
   */
  replay(recording, visibly, on) {
    const shown = on ? this.frame : null;
    const from = crossing(recording.frames, shown, visibly);
    this.renew(shown, from);
    this.play((hear) => new Replay(recording, hear, from));
  }

  /**
   * Forgets what was heard; what is drawn stays.
   * @param {Frame | null} former
   * @param {number} beyond
   */
  renew(former, beyond) {
    this.source?.close();
    this.cursor.close();
    this.trace = new Trace();
    this.album = new Album((iteration) => this.source?.frame(iteration));
    this.cursor = new Cursor(this.trace, this.album, this.changed);
    Object.assign(this, { former, beyond, asked: false, newest: 0, heard: performance.now() });
  }

  /** @param {(hear: (head: Head, picture?: Blob | string | null) => void) => any} make */
  play(make) {
    /** @type {any} */
    const source = make((head, picture) => source === this.source && this.hear(head, picture));
    this.source = source;
    source.open();
  }

  /** A server that is back is asked at once. */
  reopen() {
    this.heard = performance.now();
    if (this.source instanceof LiveSource) {
      this.source.tries = 0;
      this.source.open();
    }
  }

  /**
   * @param {Head} head
   * @param {Blob | string | null} [picture]
   */
  async hear(head, picture) {
    const { trace, album } = this;
    const before = [trace.last, trace.frames.length].join();
    trace.add(head, performance.now() / 1000);
    if ([trace.last, trace.frames.length].join() !== before || this.ended) this.heard = performance.now();
    this.seeTruth();
    const decoded = picture && head.picture != null ? await decode(picture).catch(() => null) : null;
    if (trace !== this.trace) return;
    if (decoded && head.picture != null) {
      album.keep(head.picture, decoded);
      this.newest = Math.max(this.newest, head.picture);
    }
    this.changed();
  }

  /**
   * @param {number} at
   * @param {"iterations" | "seconds"} by
   */
  keepUp(at, by) {
    if (this.newest > this.beyond || this.ended) super.keepUp(at, by);
  }

  /**
   * @param {Picture} picture
   * @param {number} batch
   */
  showTruth(picture, batch) {
    this.truthful = true;
    super.showTruth(picture, batch);
  }

  /** Draws the guess on show if it is another than before. */
  paint() {
    const { cursor } = this;
    if (!cursor.picture || cursor.picture === this.drawn) return;
    this.panels.showGuess(cursor.picture, this.batch);
    this.drawn = cursor.picture;
    this.count += 1;
  }
}
