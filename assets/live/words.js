// @ts-check
// Everything the view says in words and numbers.
/** @import { Trace } from "./trace.js" */
/** @import { Floor, Frame, Layer, Metrics, Update } from "./types" */

/**
 * What the server says in its words.
 * @typedef {object} Table
 * @property {Record<string, string>} statuses
 * @property {Record<string, string>} [reasons] why a run ends with a status
 * @property {Record<string, number>} seen
 * @property {number} recognisable_ssim
 * @property {number} [visibly] the likeness that a guess must lose for a person to see that it has grown worse
 */

/**
 * The server's words for a status and for what is seen in a guess, the latter with the likeness that each begins at;
 * and the SSIM that counts for recognisable in what was stored without a likeness.
 * @type {Required<Table>}
 */
const table = { statuses: {}, reasons: {}, seen: {}, recognisable_ssim: 1, visibly: 1 };

/**
 * Takes over the server's words; nothing is said before.
 * @param {Table} words
 */
export function learn({ statuses, reasons = {}, seen, recognisable_ssim, visibly = 1 }) {
  Object.assign(table, { statuses, reasons, seen, recognisable_ssim, visibly });
}

/** The likeness from which a picture is recognisable. */
export const threshold = () => table.seen.recognisable ?? 1;

/** What a run can be taken home as, by the ending of the file: its name and what it is. */
export const DOWNLOADS = [
  ["mp4", "Video", "MP4, 1920 × 1080"],
  ["gif", "Animation", "GIF, 960 × 540"],
  ["png", "Contact sheet", "a picture that restores the set-up"],
  ["html", "Replay in one file", "works without a network"],
  ["py", "Python script", "repeats the run"],
  ["csv", "Numbers (CSV)", "a row for each iteration"],
  ["zip", "Everything (zip)", "all of these but the video"],
];

/** The files that a race can be taken home as. */
export const RACE_DOWNLOADS = [
  ["mp4", "Video", "all lanes side by side, MP4, 1920 × 1080"],
  ["gif", "Animation", "all lanes side by side, GIF, 960 × 540"],
  ["png", "Picture sheet", "a row for each lane, and the curves"],
  ["html", "Replay in one file", "all lanes with a slider, works without a network"],
  ["zip", "Everything (zip)", "these but the video, and each lane's own files"],
];

export const NO_ANSWER = "The server does not answer; check the connection and try again.";

/**
 * What is said while a file is made.
 * @param {string} name
 */
export const making = (name) => `Making: ${name}. This can take a minute…`;

/** Said of what a link that teaches leaves on the page and does not let be used. */
export const LOCKED = "This is locked here.";
export const COVERED = "The private picture is covered.";

/** @typedef {number | null | undefined} Measure a value that may not have been measured */

/** @param {string} status */
export const word = (status) => table.statuses[status] ?? status;

/**
 * Why a run has ended with a status; empty where that says it all, or it goes on.
 * @param {string} status
 */
export const because = (status) => table.reasons[status] ?? "";

/**
 * The word for what is seen in a guess with these scores; empty without a score.
 * @param {Metrics | null | undefined} metrics
 */
export function seen(metrics) {
  const { likeness, ssim } = metrics ?? {};
  if (typeof likeness === "number") {
    return Object.keys(table.seen).findLast((word) => likeness >= table.seen[word]) ?? "";
  }
  if (typeof ssim !== "number") return "";
  return ssim >= table.recognisable_ssim ? "recognisable" : "not recognisable";
}

/** @param {Metrics | null | undefined} metrics */
export const recognisable = (metrics) => ["recognisable", "near copy"].includes(seen(metrics));

/**
 * The frame at which the picture of a run was first recognisable, as the run says; in what was stored before runs said
 * so, the first frame that is.
 * @param {Trace} trace
 */
export function clearing({ frames, head }) {
  return frames.find(({ iteration }) => iteration === head.result?.iterations_to_recognisable)
    ?? frames.find(({ metrics, recognised }) => recognised ?? recognisable(metrics)) ?? null;
}

/**
 * Whether the last guess is not recognisable, or visibly worse than another one of the run.
 * @param {Trace} trace
 */
export function poor({ frames }) {
  const last = frames.at(-1)?.metrics;
  const best = Math.max(...frames.map(({ metrics }) => metrics?.likeness ?? -1));
  return Boolean(seen(last)) && (!recognisable(last) || best - (last?.likeness ?? best) > table.visibly);
}

/**
 * The word at the head of the status line.
 * @param {{ status: string, recording: boolean, preparing: boolean, refused: boolean, barred?: boolean }} state
 *   `refused`: the set-up on show cannot be run, and nothing else is on show; `barred`: this person may not run
 *   anything yet
 */
export function headline({ status, recording, preparing, refused, barred = false }) {
  if (recording) return `Recording of a real run${barred ? "" : " – press Run it live"}`;
  if (preparing) return "Preparing";
  return word(refused ? "refused" : status);
}

/**
 * What stands on the buttons that are called differently at different times.
 * @param {{ status: string, busy: boolean, live: boolean, playing: boolean, ended: boolean, level?: boolean }} state
 *   `level`: the run waits at a plateau for an answer
 */
export function buttons({ status, busy, live, playing, ended, level }) {
  const names = { run: live ? "Run again" : "Run it live", pause: "Pause", follow: ended ? "Newest" : "Live" };
  if (busy) names.run = "Starting…";
  if (playing && ended) names.pause = "Play again";
  else if (status === "paused") names.pause = level ? "Go on" : "Resume";
  return names;
}

/**
 * Short facts for the status line, most important first; [] before a run.
 * @param {Trace} trace
 * @param {boolean} ended
 * @param {boolean} live
 */
export function facts(trace, ended, live) {
  const { status, message, queue_position: place, queue_seconds: wait } = trace.head;
  if (status !== "queued") return trace.last ? progress(trace, ended, live) : [];
  if (message && !place) return [];
  return [place ? inLine(place, wait) : "waiting for a free worker"];
}

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
/** The seconds from which on a wait is said in minutes. */
const MINUTES = 100;

/**
 * The place of a run that waits, and how long it may wait there.
 * @param {number} place
 * @param {number | null | undefined} wait seconds
 */
function inLine(place, wait) {
  const end = new Map([["one", "st"], ["two", "nd"], ["few", "rd"]]).get(ORDINALS.select(place)) ?? "th";
  const said = place === 1 ? "next in line" : `${place}${end} in line`;
  if (typeof wait !== "number") return said;
  return `${said}, about ${wait < MINUTES ? `${wait} s` : `${Math.round(wait / 60)} min`}`;
}

/**
 * A message for those who only watch: without what it asks to be pressed.
 * @param {string} message
 */
export const watched = (message) => message.replace(/ (Run it again|Press Go on)[^]*$/, "");

/** The seconds after which the rate of a run says how long the rest may take; its first iterations load things. */
const RATED_SECONDS = 1;

/**
 * @param {Trace} trace
 * @param {boolean} ended
 * @param {boolean} live
 */
function progress(trace, ended, live) {
  const { status, steps = 0 } = trace.head;
  const seconds = trace.head.seconds ?? 0;
  const rate = ended ? trace.last / seconds : trace.rate;
  const said = [`iteration ${trace.last} of ${steps}`, span(seconds)];
  if (isFinite(rate) && rate > 0) said.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} iterations/s`);
  const rest = (steps - trace.last) / rate;
  if (live && status === "running" && rate > 0 && seconds >= RATED_SECONDS) said.push(`at most ${span(rest)} left`);
  if (ended && live && status !== "stopped") said.push(...[because(status)].filter(Boolean));
  const redrawn = trace.frames.at(-1)?.redrawn ?? 0;
  if (redrawn) said.push(`${redrawn} restart${redrawn > 1 ? "s" : ""} redrawn`);
  return said;
}

/** By which factor the time may exceed a forecast before it is called wrong, as its benchmark counts. */
const WRONG = 2;

/**
 * When the picture should be recognisable, as its first frames say; empty where nothing is said.
 * @param {Trace} trace
 */
export function foreseen(trace) {
  const newest = trace.frames.at(-1);
  if (trace.head.status !== "running" || newest?.forecast === undefined || recognisable(newest.metrics)) return "";
  if (newest.forecast === null) return "";
  const late = (trace.head.seconds ?? 0) / newest.forecast;
  if (late > WRONG) return `The forecast of ${span(newest.forecast)} was wrong: the picture is not recognisable yet.`;
  return `Forecast: recognisable after about ${span(newest.forecast)}${late > 1 ? ", which has passed" : ""}.`;
}

/**
 * When the picture of a run that goes on was first recognisable; empty until then.
 * @param {Trace} trace
 */
export function reached(trace) {
  const first = clearing(trace);
  return first && !trace.head.result ? `Recognisable since iteration ${first.iteration}.` : "";
}

/**
 * A length of time: 4.2 s, 48 s, 3 min 5 s.
 * @param {number} seconds
 */
function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * What a screen reader says.
 * @param {Trace} trace
 * @param {boolean} ended
 * @param {boolean} live
 * @param {Frame | null} shown
 */
export function spoken(trace, ended, live, shown) {
  const { status, message, result } = trace.head;
  const looks = seen(shown?.metrics);
  const quality = looks && `seen: ${looks}`;
  if (ended && result?.verdict) return `${word(status)}. ${result.verdict} ${quality}`;
  if (status === "paused" && message) return `${word(status)}. ${message}`;
  const said = [...facts(trace, ended, live).slice(0, ended ? 2 : 1), quality];
  return `${word(status)}. ${said.filter(Boolean).join(", ")}`;
}

/**
 * A number with this many digits, without a minus sign where all of them are 0.
 * @param {Measure} value
 * @param {number} digits
 */
const number = (value, digits) => (
  typeof value === "number" ? value.toFixed(digits).replace(/^-(?=[0.]+$)/, "") : "–");

/**
 * A likeness in two digits, rounded down where it would else reach a border that its word has not.
 * @param {number} value
 */
export function likened(value) {
  const nearest = Number(value.toFixed(2));
  return (seen({ likeness: nearest }) === seen({ likeness: value }) ? nearest : nearest - 0.01).toFixed(2);
}

/** @param {Measure} value */
const percent = (value) => (typeof value === "number" ? `${Math.round(value * 100)}\u00a0%` : "–");

/**
 * A number of any size in a few characters.
 * @param {Measure} value
 */
export function small(value) {
  if (typeof value !== "number") return "–";
  if (value !== 0 && Math.abs(value) < 0.001) return power(value);
  if (Math.abs(value) >= 100) return Number(value.toPrecision(3)).toLocaleString("en");
  return value === 0 ? "0" : value.toPrecision(3);
}

/**
 * 4.2 × 10⁻⁵.
 * @param {number} value
 */
function power(value) {
  const [digits, exponent] = value.toExponential(1).split("e-");
  return `${digits} × 10⁻${[...exponent].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/**
 * What stands in each number's place for one frame.
 * @param {Frame | null | undefined} frame
 * @param {Floor | null | undefined} floor what guesses score that know nothing of the update
 * @param {boolean} told whether the attacker knows the labels
 */
export function numbers(frame, floor, told) {
  const { likeness, ssim, psnr, distance, label_accuracy: accuracy } = frame?.metrics ?? {};
  const chance = floor?.chance === undefined ? "" : `, chance ${percent(floor.chance)}`;
  return {
    likeness: typeof likeness === "number" ? likened(likeness) : "–",
    ssim: number(ssim, 2),
    psnr: number(psnr, 1),
    distance: small(distance),
    accuracy: told ? "told" : percent(accuracy),
    seen: seen(frame?.metrics) || `recognisable from ${threshold()}`,
    "ssim-note": ignorant(floor, "ssim", 2) || "1 for equal pictures",
    "psnr-note": `dB, ${ignorant(floor, "psnr", 1) || "higher is closer"}`,
    "accuracy-note": told ? "to the attacker" : `recovered${chance}`,
  };
}

/**
 * The floor of one measure in words.
 * @param {Floor | null | undefined} floor
 * @param {"psnr" | "ssim" | "likeness"} measure
 * @param {number} digits
 */
function ignorant(floor, measure, digits) {
  const best = highest(floor, measure);
  return isFinite(best) ? `floor ${number(best, digits)}` : "";
}

/**
 * The highest score of guesses that know nothing of the update; less than any score where it is not known.
 * @param {Floor | null | undefined} floor
 * @param {"psnr" | "ssim" | "likeness"} measure
 */
export const highest = (floor, measure) => (
  Math.max(...[floor?.grey, floor?.mean, floor?.other].flatMap((row) => row?.[measure] ?? [])));

/**
 * The floor in whole sentences; empty without one.
 * @param {Floor | null | undefined} floor
 */
export function explained(floor) {
  if (!floor) return "";
  return "The floor is the best score of guesses that know nothing of the update: a grey picture, the private " +
    `picture's mean colour, and another picture. For likeness: ${ignorant(floor, "likeness", 2)}.`;
}

/**
 * Captions under the pictures and, for a batch, the sentence about its labels.
 * @param {number[] | null | undefined} truth the labels of the private pictures
 * @param {number[] | null | undefined} guess what the attacker takes them for
 * @param {string[] | null | undefined} classes
 * @param {boolean} told whether the attacker knows the labels
 * @param {number[]} [unnamed] the places of the pictures whose labels nobody chose, which have numbers and no names
 * @param {boolean} [numbered] whether a class that has a name is given its number too
 */
export function captions(truth, guess, classes, told, unnamed = [], numbered = true) {
  if (!truth?.length) return { truth: "", guess: "", labels: "", right: [] };
  const known = (/** @type {number} */ index) => (unnamed.includes(index) ? null : classes);
  const names = truth.map((label, index) => named(label, known(index), numbered));
  const guesses = truth.map((_, index) => named(guess?.[index], known(index), numbered));
  const right = truth.map((label, index) => guess?.[index] === label);
  const one = truth.length === 1;
  const caption = one ? `Label: ${names[0]}${unnamed.length ? ", by default" : ""}` : `${truth.length} pictures`;
  const labels = `Labels: ${names.join(", ")}.`;
  if (!guess?.length) return { truth: caption, guess: "", labels: one ? "" : labels, right: one ? right : [] };
  if (one) return { truth: caption, guess: attempt(guesses[0], right[0], told), labels: "", right };
  if (told) return { truth: caption, guess: "labels told", labels, right };
  const score = `${right.filter(Boolean).length} of ${truth.length} labels right`;
  return { truth: caption, guess: score, labels: mistakes(names, guesses, right), right };
}

/**
 * @param {number | undefined} label
 * @param {string[] | null | undefined} classes
 * @param {boolean} numbered
 */
function named(label, classes, numbered) {
  const name = label === undefined ? undefined : classes?.[label];
  if (name === undefined || name === String(label)) return `class ${label}`;
  return numbered ? `${name} (${label})` : name;
}

/**
 * @param {string} name
 * @param {boolean} right
 * @param {boolean} told
 */
function attempt(name, right, told) {
  if (told) return `${name}, told`;
  return right ? `✓ ${name}, right` : `✗ ${name}, wrong`;
}

/**
 * @param {string[]} names
 * @param {string[]} guesses
 * @param {boolean[]} right
 */
function mistakes(names, guesses, right) {
  const wrong = names.flatMap((name, index) =>
    right[index] ? [] : [`image ${index + 1} is ${name}, guessed ${guesses[index]}`]);
  return wrong.length ? `Labels: ${wrong.join("; ")}.` : "Labels: all right.";
}

/** @param {string} cause */
export const failed = (cause) => `Why it failed: ${cause}`;

/** The names of the rows of tiles. */
export const ROWS = { before: "before", sent: "sent", guess: "guess" };

/**
 * What the update takes on the wire.
 * @param {Update} update
 */
export function wire({ bytes, whole }) {
  return `${size(bytes)} on the wire${bytes < whole ? `, not ${size(whole)}` : ""}`;
}

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1e3) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toPrecision(3)} kB` : `${(bytes / 1e6).toPrecision(3)} MB`;
}

/**
 * What is to be said of one layer's tile, in lines.
 * @param {Layer} layer
 * @param {Measure} distance one minus the cosine between guess and what was sent
 */
export function layer({ name, shape, before, norm, share, zeros, classes }, distance) {
  const said = [`${name}, ${shape.join(" × ")}`];
  if (norm === null) return [...said, `Hidden from the attacker. Norm ${small(before)}.`];
  said.push(`Norm ${small(norm)}${small(before) === small(norm) ? "" : `, ${small(before)} before the defence`}.`);
  said.push(`${percent(share)} of the update's squared length.`);
  if (typeof distance === "number") said.push(`Cosine with the guess's ${(1 - distance).toFixed(4)}.`);
  if (zeros) said.push(`${percent(zeros)} of its entries are zero.`);
  if (classes.length) said.push("A row a class. The label's row is framed.");
  return said;
}

/** @param {boolean} gone the layer is hidden */
export const hiding = (gone) => (gone ? "Show it to the attacker" : "Hide this layer from the attacker");
