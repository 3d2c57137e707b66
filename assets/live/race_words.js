// @ts-check
// Everything the view of a race says in words and numbers, beside what words.js says of any run.
/** @import { Floor, Frame } from "./types" */
/** @import { Lane } from "./lane.js" */
/** @import { Trace } from "./trace.js" */
import { facts, highest, likened, poor, seen, word } from "./words.js";

/** @param {Frame | null | undefined} frame */
export function score(frame) {
  const { likeness, ssim, psnr } = frame?.metrics ?? {};
  const [name, value] = typeof likeness === "number" ? ["Likeness", likeness] : ["SSIM", ssim];
  if (typeof value !== "number") return "";
  return `${name} ${likened(value)}${typeof psnr === "number" ? ` · ${psnr.toFixed(1)}\u00a0dB` : ""}`;
}

/**
 * How much better or worse a lane's picture is than the first lane's at the same moment. Of two pictures that show
 * nothing, or are no nearer to the private one than guesses without the update, neither is better.
 * @param {Frame | null | undefined} frame
 * @param {Frame | null | undefined} first
 * @param {Floor | null | undefined} [floor]
 */
export function price(frame, first, floor) {
  const [own, other] = [frame?.metrics?.psnr, first?.metrics?.psnr];
  if (typeof own !== "number" || typeof other !== "number") return "";
  if ([frame, first].every((one) => seen(one?.metrics) === "nothing")) return "nothing, as in lane 1";
  if (Math.max(own, other) <= highest(floor, "psnr")) return "below the floor, as lane 1";
  const difference = Number(own.toFixed(1)) - Number(other.toFixed(1)); // of the numbers that are shown
  if (Math.abs(difference) < 0.05) return "as good as lane 1";
  return `${Math.abs(difference).toFixed(1)} dB ${difference < 0 ? "below" : "above"} lane 1`;
}

/**
 * When a lane crossed the finish line, or what it is doing instead.
 * @param {Frame | null} crossing
 * @param {Trace} trace
 * @param {boolean} ended
 */
export function moment(crossing, trace, ended) {
  const { status, message } = trace.head;
  if (crossing) {
    const end = ended && poor(trace) ? ", worse at the end" : "";
    return `recognisable at ${crossing.iteration}${after(crossing)}${end}`;
  }
  if (["failed", "refused"].includes(status)) return message || word(status);
  if (!ended) return trace.last ? "not recognisable yet" : word(status);
  if (status === "done") return `not recognisable in ${trace.last}`;
  return `${fate(trace)} at ${trace.last}${status === "stopped" ? "" : ", not recognisable"}`;
}

/**
 * How a lane ended, in a word or two; empty where it used every iteration.
 * @param {Trace} trace
 */
export const fate = ({ head: { status } }) => (status === "done" ? "" : word(status).toLowerCase());

/**
 * Where a lane ended that the common clock has left behind; empty for any other.
 * @param {number} end
 * @param {number | null} at
 * @param {"iterations" | "seconds"} by
 */
export const leftBehind = (end, at, by) => (
  at !== null && at > end ? `ended at ${clock(end, by).replace("iteration ", "")}` : "");

/** @param {Frame} frame */
const after = ({ seconds }) => (seconds ? `, ${seconds.toFixed(2)} s` : "");

/**
 * What the moment on show is called.
 * @param {number | null} at
 * @param {"iterations" | "seconds"} by
 */
export function clock(at, by) {
  if (at === null) return by === "seconds" ? "– s" : "iteration –";
  return by === "seconds" ? `${at.toFixed(2)} s` : `iteration ${Math.round(at)}`;
}

/** The states of a lane: if several lanes differ, the first of these stands for all. */
const FOREMOST = [
  ...["running", "paused", "queued", "loading", "ready"],
  ...["failed", "refused", "damaged", "deleted", "interrupted", "diverged", "stuck", "stopped", "level"],
  ...["certified", "recovered"],
];

/**
 * The state of all lanes together.
 * @param {Lane[]} lanes
 */
export function together(lanes) {
  const statuses = lanes.map(({ trace }) => trace.head.status);
  return FOREMOST.find((status) => statuses.includes(status)) ?? "done";
}

/**
 * The word for all lanes together; how many ended in which way where they differ.
 * @param {Lane[]} lanes
 * @param {boolean} refused the race on show cannot be run, and nothing else is on show
 */
export function headline(lanes, refused) {
  if (refused) return word("refused");
  if (!lanes.every(({ ended }) => ended)) return word(together(lanes));
  const ways = grouped(lanes, ({ trace }) => word(trace.head.status));
  if (ways.length < 2) return word(together(lanes));
  return ways.map(([way, those]) => `${those.length} ${way.toLowerCase()}`).join(", ");
}

/**
 * @param {Lane[]} lanes
 * @param {(lane: Lane) => string} by
 * @returns {[string, Lane[]][]}
 */
function grouped(lanes, by) {
  /** @type {Map<string, Lane[]>} */
  const found = new Map();
  for (const lane of lanes) found.set(by(lane), [...found.get(by(lane)) ?? [], lane]);
  return [...found];
}

/**
 * How far all lanes are: the moment on show, and where the clock ends.
 * @param {Lane[]} lanes
 * @param {number | null} at
 * @param {"iterations" | "seconds"} by
 * @param {number | null} end the last moment of lanes that have ended
 */
export function progress(lanes, at, by, end) {
  const [first] = lanes;
  const waits = together(lanes) === "queued";
  if (at === null || waits) return first ? facts(first.trace, first.ended, true).slice(0, 1).join("") : "";
  const steps = Math.max(...lanes.map(({ trace }) => trace.head.steps ?? 0));
  if (by === "iterations") return steps ? `${clock(at, by)} of ${steps}` : clock(at, by);
  return end === null ? clock(at, by) : `${clock(at, by)} of ${clock(end, by)}`;
}

/**
 * Why all lanes are paused, where the server says so; empty for any other race.
 * @param {Lane[]} lanes
 */
export function halt(lanes) {
  if (together(lanes) !== "paused") return "";
  return lanes.find(({ trace }) => trace.head.status === "paused")?.trace.head.message ?? "";
}

/**
 * Who came in first, in a sentence, and what became of the others once all have ended. A lane became recognisable after
 * the frame before the one that shows it, so that lanes whose frames overlap came in together. All lanes are looked at
 * after the same iterations, so by these the lanes of one look did.
 * @param {Lane[]} lanes
 * @param {"iterations" | "seconds"} by
 */
export function verdict(lanes, by) {
  const crossed = inOrder(lanes, by);
  const over = lanes.every(({ ended }) => ended);
  const left = over ? endings(lanes.filter(({ crossing }) => !crossing)) : "";
  if (!crossed.length) {
    const finished = lanes.every(({ trace }) => trace.head.status === "done");
    return over ? `No lane became recognisable${finished ? "" : `: ${left}`}.` : "";
  }
  const ahead = crossed.filter((lane) => abreast(lane, crossed[0].crossing, by));
  const numbers = ahead.map(({ number }) => number).sort((one, other) => one - other);
  const others = crossed.filter((lane) => !ahead.includes(lane)).map(({ number }) => number);
  const at = `${by === "seconds" ? "after" : "at"} ${clock(momentOf(crossed[0].crossing, by), by)}`;
  const first = numbers.length > 1
    ? `Lanes ${numbers.join(", ")} were recognisable first, too close to tell apart`
    : `Lane ${numbers[0]}, ${crossed[0].name}, was recognisable first, ${at}`;
  const then = others.length ? `, then ${lanesOf(others)}` : "";
  const worse = crossed.filter(({ ended, trace }) => ended && poor(trace)).map(({ number }) => number);
  const end = worse.length ? ` Worse again at the end: ${lanesOf(worse)}.` : "";
  return `${first}${then}.${end}${left ? ` Not recognisable: ${left}.` : ""}`;
}

/**
 * Whether a lane may have crossed the line as early as the first one.
 * @param {Lane} lane
 * @param {Frame | null} first
 * @param {"iterations" | "seconds"} by
 */
function abreast({ before, crossing }, first, by) {
  if (by === "iterations" && crossing?.recognised) return crossing.iteration === first?.iteration;
  return momentOf(before, by) < momentOf(first, by);
}

/**
 * Lanes that did not become recognisable, and why where they did not use every iteration.
 * @param {Lane[]} lanes
 */
const endings = (lanes) => grouped(lanes, ({ trace }) => fate(trace))
  .map(([way, those]) => `${lanesOf(those.map(({ number }) => number))}${way && ` (${way})`}`).join(", ");

/** @param {number[]} numbers */
const lanesOf = (numbers) => `${numbers.length > 1 ? "lanes" : "lane"} ${numbers.join(", ")}`;

/**
 * The lanes that crossed the finish line, the first of them first.
 * @param {Lane[]} lanes
 * @param {"iterations" | "seconds"} by
 */
export function inOrder(lanes, by) {
  const when = (/** @type {Lane} */ { crossing }) => momentOf(crossing, by);
  return lanes.filter(({ crossing }) => crossing).sort((one, other) => when(one) - when(other));
}

/**
 * @param {Frame | null} frame
 * @param {"iterations" | "seconds"} by
 */
const momentOf = (frame, by) => (by === "seconds" ? frame?.seconds : frame?.iteration) ?? -1;

/**
 * What the photo finish shows.
 * @param {number | null} at
 * @param {"iterations" | "seconds"} by
 * @param {boolean} ended
 */
export const finish = (at, by, ended) => (at === null
  ? ended ? "no lane crossed the line" : "each lane at the moment when the first becomes recognisable"
  : `each lane's newest picture up to ${clock(at, by)}, when the first was recognisable`);

/** @param {Lane[]} lanes */
export const invitation = (lanes) => `${lanes.length} lanes on one clock. Press Run it live.`;
