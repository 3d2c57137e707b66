// Everything the view says in words and numbers.
const WORDS = {
  ready: "Ready", loading: "Connecting", queued: "Waiting", running: "Running", paused: "Paused", recovered: "Matched",
  done: "Finished", stuck: "Got nowhere", diverged: "Gave up", stopped: "Stopped", failed: "Failed", interrupted: "Cut off",
  refused: "Not possible", damaged: "Damaged", deleted: "Not here",
};
export const RECOGNISABLE = 0.6;

export const word = (status) => WORDS[status] ?? status;

/** Short facts for the status line, most important first; [] before a run. */
export function facts(trace, ended, live) {
  const { status, steps, seconds, queue_position: place } = trace.head;
  if (status === "queued") return trace.head.message ? [] : [place ? `number ${place} in the queue` : "waiting for a free worker"];
  if (!trace.last) return [];
  const rate = ended ? trace.last / seconds : trace.rate;
  const said = [`iteration ${trace.last} of ${steps}`, span(seconds ?? 0)];
  if (isFinite(rate) && rate > 0) said.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} iterations/s`);
  if (live && status === "running" && rate > 0) said.push(`at most ${span((steps - trace.last) / rate)} left`);
  const restarts = trace.frames.at(-1)?.restarts ?? 0;
  if (restarts) said.push(`${restarts} seed${restarts > 1 ? "s" : ""} restarted`);
  return said;
}

/** A length of time: 4.2 s, 48 s, 3 min 5 s. */
function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function spoken(trace, ended, live, shown) {
  const { status, result } = trace.head;
  const ssim = typeof shown?.metrics?.ssim === "number" ? `SSIM ${shown.metrics.ssim.toFixed(2)}` : "";
  if (ended && result?.verdict) return `${word(status)}. ${result.verdict} ${ssim}`;
  const said = [...facts(trace, ended, live).slice(0, ended ? 2 : 1), ssim, shown?.metrics?.ssim >= RECOGNISABLE ? "recognisable" : ""];
  return `${word(status)}. ${said.filter(Boolean).join(", ")}`;
}

const number = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : "–");
export const small = (value) => {
  if (typeof value !== "number") return "–";
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1).replace("e-", " × 10⁻").replace(/\d+$/, raised).replace("e+", "e");
  return Math.abs(value) >= 100 ? value.toPrecision(3) : value.toFixed(4).slice(0, 6);
};
const raised = (digits) => [...digits].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");

/** What stands in each number's place for one frame. */
export function numbers(frame, ended, told) {
  const metrics = frame?.metrics ?? {};
  const accuracy = metrics.label_accuracy;
  const ssim = metrics.ssim;
  return {
    ssim: number(ssim, 2), psnr: number(metrics.psnr, 1), mse: small(metrics.mse), match: small(metrics.match),
    accuracy: told ? "told" : typeof accuracy === "number" ? `${Math.round(accuracy * 100)} %` : "–",
    "accuracy-note": told ? "to the attacker" : "recovered",
    "ssim-note": typeof ssim !== "number" ? "recognisable from 0.6" : ssim >= RECOGNISABLE ? "recognisable" : ended ? "not recognisable" : "not recognisable yet",
  };
}

/** Captions under the pictures and, for a batch, the sentence about its labels. */
export function captions(truth, guess, classes, told) {
  const name = (label) => ([undefined, String(label)].includes(classes?.[label]) ? `class ${label}` : `${classes[label]} (${label})`);
  if (!truth?.length) return { truth: "", guess: "", labels: "" };
  const right = truth.map((label, index) => guess?.[index] === label);
  const count = right.filter(Boolean).length;
  if (truth.length === 1) {
    const said = guess?.length ? (told ? `${name(guess[0])}, told` : `${right[0] ? "✓" : "✗"} ${name(guess[0])}, ${right[0] ? "right" : "wrong"}`) : "";
    return { truth: `Label: ${name(truth[0])}`, guess: said, labels: "", right };
  }
  const wrong = truth.map((label, index) => [index, label]).filter(([index]) => guess?.length && !right[index]);
  const list = wrong.map(([index, label]) => `image ${index + 1} is ${name(label)}, guessed ${name(guess[index])}`).join("; ");
  return {
    truth: `${truth.length} images`, guess: !guess?.length ? "" : told ? "labels told" : `${count} of ${truth.length} labels right`, right: guess?.length ? right : [],
    labels: guess?.length && !told ? (wrong.length ? `Labels: ${list}.` : "Labels: all right.") : `Labels: ${truth.map(name).join(", ")}.`,
  };
}
