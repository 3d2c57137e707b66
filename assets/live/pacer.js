// @ts-check

/**
 * Draws what is out of date in a view, each part at most once in its time, and all that may be drawn in one animation
 * frame, because every frame has the browser paint the page again. A part that is asked for before its time may wait
 * half that time longer, for a frame in which others are drawn anyway. While nothing may be drawn it asks for none.
 * @template {string} Part
 */
export class Pacer {
  /** @type {Map<Part, number>} when each part that is out of date is drawn at the latest */
  stale = new Map();
  /** @type {Map<Part, number>} when a part may be drawn again */
  ready = new Map();
  closed = false;
  /** @type {number | null} the animation frame that will draw */
  frame = null;
  /** @type {number | null} the timer that will ask for it */
  timer = null;

  /**
   * @param {Record<Part, { every: number, draw: (now: number) => void }>} parts in the order in which they are drawn;
   *   `every` in milliseconds
   */
  constructor(parts) {
    this.parts = parts;
    this.order = /** @type {Part[]} */ (Object.keys(parts));
  }

  /** @param {Part[]} parts */
  ask(...parts) {
    const now = performance.now();
    for (const part of parts) {
      if (this.stale.has(part)) continue;
      const ready = this.readyAt(part);
      this.stale.set(part, ready <= now ? now : ready + this.parts[part].every / 2);
    }
    this.plan();
  }

  plan() {
    if (this.closed || this.frame !== null || !this.stale.size) return;
    clearTimeout(this.timer ?? 0);
    const wait = Math.min(...this.stale.values()) - performance.now();
    if (wait > 0) this.timer = setTimeout(() => this.request(), wait);
    else this.request();
  }

  /** @param {Part} part */
  readyAt(part) {
    return this.ready.get(part) ?? 0;
  }

  request() {
    this.frame = requestAnimationFrame((now) => {
      for (const part of this.order) {
        if (!this.stale.has(part) || this.readyAt(part) > now) continue;
        this.stale.delete(part);
        this.ready.set(part, now + this.parts[part].every);
        this.parts[part].draw(now);
      }
      this.frame = null;
      this.plan();
    });
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.frame ?? 0);
    clearTimeout(this.timer ?? 0);
  }
}
