// @ts-check
// The net under a run on the stage: where a recording goes on when the run itself falls silent.
/** @import { Frame, Recording } from "../live/types" */
import { BEND, RecordingSource } from "../live/source.js";

const TICKS_A_SECOND = 10;
/** Seconds that a recording takes at least and at most, whatever the run took. */
const [SHORTEST, LONGEST] = [4, 30];

/**
 * The iteration from which a recording goes on after a frame: the same one where both show as much of the picture
 * there, else that of the recorded frame which shows as much.
 * @param {Frame[]} frames those of the recording
 * @param {Frame | null | undefined} shown the frame on show
 * @param {number} visibly the likeness by which a person sees a difference
 */
export function crossing(frames, shown, visibly) {
  if (!shown || !frames.length) return 0;
  const off = (/** @type {Frame} */ one) => Math.abs((one.metrics?.likeness ?? 0) - (shown.metrics?.likeness ?? 0));
  const away = (/** @type {Frame} */ one) => Math.abs(one.iteration - shown.iteration);
  const nearest = (/** @type {(one: Frame) => number} */ how) => (
    frames.reduce((best, one) => (how(one) < how(best) ? one : best)));
  const here = nearest(away);
  return off(here) <= visibly ? shown.iteration : nearest(off).iteration;
}

/** A recording that is in memory, played about as long as the run took, from an iteration on. */
export class Replay extends RecordingSource {
  /**
   * @param {Recording} recording
   * @param {import("../live/types").Hear} hear
   * @param {number} from the iteration up to which everything is said at once
   */
  constructor(recording, hear, from) {
    super("", hear, () => undefined, false);
    this.recording = recording;
    const seconds = recording.result?.seconds ?? recording.head.seconds ?? SHORTEST;
    this.ticks = Math.round(Math.min(LONGEST, Math.max(SHORTEST, seconds)) * TICKS_A_SECOND);
    this.at = Math.max(0, Math.floor(this.ticks * this.share(from) ** (1 / BEND)) - 1);
  }

  /** @param {number} iteration */
  share(iteration) {
    const { curve, frames } = /** @type {Recording} */ (this.recording);
    const first = curve.iterations?.[0] ?? curve.first;
    const last = curve.iterations?.at(-1) ?? frames.at(-1)?.iteration ?? first;
    return Math.min(1, Math.max(0, (iteration - first) / Math.max(1, last - first)));
  }
}
