// @ts-check
// Everything the view of a race says in words and numbers, beside what words.js says of any run.
/** @import { Frame } from "./types" */
/** @import { Lane } from "./lane.js" */
/** @import { Trace } from "./trace.js" */
import { word } from "./words.js";

/** @param {Frame | null | undefined} frame */
export function score(frame) {
  const { likeness, ssim, psnr } = frame?.metrics ?? {};
  const [name, value] = typeof likeness === "number" ? ["Likeness", likeness] : ["SSIM", ssim];
  if (typeof value !== "number") return "";
  return `${name} ${value.toFixed(2)}${typeof psnr === "number" ? ` · ${psnr.toFixed(1)} dB` : ""}`;
}

/**
 * How much better or worse a lane's picture is than the first lane's at the same moment.
 * @param {Frame | null | undefined} frame
 * @param {Frame | null | undefined} first
 */
export function price(frame, first) {
  const [own, other] = [frame?.metrics?.psnr, first?.metrics?.psnr];
  if (typeof own !== "number" || typeof other !== "number") return "";
  const difference = own - other;
  return `${Math.abs(difference).toFixed(1)} dB ${difference < 0 ? "below" : "above"} lane 1`;
}

/**
 * When a lane crossed the finish line, or what it is doing instead.
 * @param {Frame | null} crossing
 * @param {Trace} trace
 * @param {boolean} ended
 */
export function moment(crossing, trace, ended) {
  if (crossing) return `recognisable at ${crossing.iteration}${after(crossing)}`;
  if (["failed", "refused"].includes(trace.head.status)) return trace.head.message ?? word(trace.head.status);
  if (ended) return `not recognisable in ${trace.last}`;
  return trace.last ? "not recognisable yet" : word(trace.head.status);
}

/** @param {Frame} frame */
const after = ({ seconds }) => (seconds ? `, ${seconds.toFixed(1)} s` : "");

/**
 * What the moment on show is called.
 * @param {number | null} at
 * @param {"iterations" | "seconds"} by
 */
export function clock(at, by) {
  if (at === null) return by === "seconds" ? "– s" : "iteration –";
  return by === "seconds" ? `${at.toFixed(2)} s` : `iteration ${Math.round(at)}`;
}

/**
 * The word for all lanes together.
 * @param {Lane[]} lanes
 */
export function together(lanes) {
  const statuses = lanes.map(({ trace }) => trace.head.status);
  const first = ["running", "paused", "queued", "loading", "ready"].find((status) => statuses.includes(status));
  return first ?? (statuses.every((status) => status === statuses[0]) ? statuses[0] : "done");
}

/**
 * Who came in first, in a sentence.
 * @param {Lane[]} lanes
 * @param {"iterations" | "seconds"} by
 */
export function verdict(lanes, by) {
  const crossed = inOrder(lanes, by);
  if (!crossed.length) return lanes.every(({ ended }) => ended) ? "No lane became recognisable." : "";
  const first = `Lane ${crossed[0].number}, ${crossed[0].name}, was recognisable first`;
  const never = lanes.length - crossed.length;
  const others = crossed.slice(1).map(({ number }) => number);
  const then = others.length ? `; then lane ${others.join(", ")}` : "";
  const over = lanes.every(({ ended }) => ended);
  return `${first}${then}${over && never ? `; the other ${never === 1 ? "one" : never} never` : ""}.`;
}

/**
 * The lanes that crossed the finish line, the first of them first.
 * @param {Lane[]} lanes
 * @param {"iterations" | "seconds"} by
 */
export function inOrder(lanes, by) {
  /** @param {Lane} lane */
  const when = ({ crossing }) => (by === "seconds" ? crossing?.seconds : crossing?.iteration) ?? 0;
  return lanes.filter(({ crossing }) => crossing).sort((one, other) => when(one) - when(other));
}

/**
 * What the photo finish shows.
 * @param {number | null} at
 * @param {"iterations" | "seconds"} by
 */
export const finish = (at, by) => (at === null
  ? "each lane at the moment when the first becomes recognisable"
  : `every lane at ${clock(at, by)}, when the first was recognisable`);

/** @param {Lane[]} lanes */
export const invitation = (lanes) => `${lanes.length} lanes on one clock. Press Run it live.`;
