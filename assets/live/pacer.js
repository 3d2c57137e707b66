// @ts-check

/**
 * Draws what is out of date in a view: one part in an animation frame, the one that has waited longest, each at most
 * once in its time. While nothing may be drawn it asks the browser for no frames.
 * @template {string} Part
 */
export class Pacer {
  /** @type {Set<Part>} the parts that are out of date */
  stale = new Set();
  /** @type {Map<Part, number>} when a part may be drawn again */
  ready = new Map();
  closed = false;
  /** @type {number | null} the animation frame that will draw */
  frame = null;
  /** @type {number | null} the timer that will ask for it */
  timer = null;

  /**
   * @param {Record<Part, { every: number, draw: (now: number) => void }>} parts `every` in milliseconds; of two that
   *   have waited as long, the first is drawn
   */
  constructor(parts) {
    this.parts = parts;
    this.order = /** @type {Part[]} */ (Object.keys(parts));
  }

  /** @param {Part[]} parts */
  ask(...parts) {
    for (const part of parts) this.stale.add(part);
    this.plan(performance.now());
  }

  /** @param {number} now */
  plan(now) {
    if (this.closed || this.frame !== null || !this.stale.size) return;
    clearTimeout(this.timer ?? 0);
    const wait = Math.min(...[...this.stale].map((part) => this.readyAt(part) - now));
    if (wait > 0) this.timer = setTimeout(() => this.request(), wait);
    else this.request();
  }

  /** @param {Part} part */
  readyAt(part) {
    return this.ready.get(part) ?? 0;
  }

  request() {
    this.frame = requestAnimationFrame((now) => {
      this.frame = null;
      const due = this.order.filter((part) => this.stale.has(part) && this.readyAt(part) <= now);
      const part = due.sort((one, other) => this.readyAt(one) - this.readyAt(other))[0];
      if (part) {
        this.stale.delete(part);
        this.ready.set(part, now + this.parts[part].every);
        this.parts[part].draw(now);
      }
      this.plan(now);
    });
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.frame ?? 0);
    clearTimeout(this.timer ?? 0);
  }
}
