// @ts-check
// The one place that draws, at most once a frame: pictures and words up to ten times a second, curves four or five
// times.
/** @import { Find, Frame, Picture } from "./types" */
/** @import { View } from "./view.js" */
import { Charts } from "./charts.js";
import { describe, text } from "./controls.js";
import { translate } from "./language.js";
import { Downloads } from "./downloads.js";
import { Pacer } from "./pacer.js";
import { FilmStrip, Panels } from "./pictures.js";
import { Sharing } from "./sharing.js";
import { UpdatePanel } from "./update.js";
import * as words from "./words.js";

const SPEECH_MS = 2000;
const SLOTS = 12;
const EVERY_MS = { pictures: 60, curves: 170 };
const CALM_MS = { pictures: 500, curves: 500 };

/** @typedef {"pictures" | "curves" | "speech"} Part */

/** Draws what a view holds: its source, its trace and what its cursor has on show. */
export class Drawing {
  drawn = { pictures: 0, curves: 0 };
  /** @type {Picture | null} the guess that was drawn last */
  picture = null;

  /**
   * @param {View} view
   * @param {Find} find
   * @param {boolean} calm
   */
  constructor(view, find, calm) {
    this.view = view;
    this.find = find;
    this.root = view.root;
    const { pictures, curves } = calm ? CALM_MS : EVERY_MS;
    this.pacer = new Pacer({
      pictures: { every: pictures, draw: () => this.drawFrame() },
      curves: { every: curves, draw: () => this.drawCurves() },
      speech: { every: SPEECH_MS, draw: () => this.speak() },
    });
    this.panels = new Panels(find);
    this.update = new UpdatePanel(view.root, find, (name, gone) => view.hide(name, gone));
    this.strip = new FilmStrip(find("strip"), SLOTS, (iteration) => view.scrub(iteration));
    const led = view.data.compact && view.data.at != null;
    this.root.querySelector(".gl-scrub")?.classList.toggle("gl-led", led);
    find("strip").inert = view.data.compact && !led; // who only watches could not go back to the newest
    this.charts = new Charts(view.root, find, () => this.dirty("curves"));
    find("why").addEventListener("click", () => {
      document.querySelector(".st-key-diagnosis")?.scrollIntoView({ block: "center" });
    });
    find("mend").addEventListener("click", () => view.component?.setTriggerValue("mend", view.data.mend));
    find("teach").addEventListener("click", () => view.shareForTeaching(view.cursor.shown));
    find("teach").hidden = view.data.compact;
    find("fork").addEventListener("click", () => view.fork());
    /** @type {(sentence: string) => void} */
    const say = (sentence) => view.say(sentence);
    this.downloads = new Downloads(find, view.abort.signal, say, words.DOWNLOADS);
    this.sharing = new Sharing(find, "run", { signal: view.abort.signal, say });
  }

  /** @param {Part[]} parts */
  dirty(...parts) {
    this.pacer.ask(...parts);
  }

  clear() {
    this.panels.clear();
    this.cover();
    this.strip.clear();
    this.picture = null;
  }

  /**
   * @param {Picture} picture
   * @param {number} batch
   */
  showTruth(picture, batch) {
    this.panels.showTruth(picture, batch);
    this.picture = null;
    this.dirty("pictures");
  }

  /**
   * Shows the guess that a fork begins with, until there is one of its own.
   * @param {Picture} picture
   * @param {number} batch
   */
  showStart(picture, batch) {
    this.panels.showGuess(picture, batch);
  }

  close() {
    this.pacer.close();
    this.charts.purge();
  }

  drawFrame() {
    const { batch, cursor } = this.view;
    if (cursor.picture && cursor.picture !== this.picture) {
      this.panels.showGuess(cursor.picture, batch);
      this.picture = cursor.picture;
      this.root.dataset.pictures = String(this.drawn.pictures += 1);
    }
    this.drawNumbers(cursor.frame);
    this.drawUpdate(cursor.frame);
    this.drawCaptions(cursor.frame);
    this.drawStatus();
    this.drawMessage();
    this.drawScrubber();
    this.drawControls();
    this.dirty("speech");
  }

  /** @param {Frame | null} frame */
  drawNumbers(frame) {
    const { cursor, data, trace } = this.view;
    const { floor } = trace.head;
    const numbers = words.numbers(frame, floor, data.told);
    for (const [name, value] of Object.entries(numbers)) text(this.find(name), value);
    this.root.classList.toggle("gl-recognisable", words.recognisable(frame?.metrics));
    this.find("numbers").title = translate(words.explained(floor));
    const { ssim = "" } = frame?.metrics ?? {};
    Object.assign(this.root.dataset, { ssim, seen: words.seen(frame?.metrics), iteration: cursor.shown ?? "" });
  }

  /** @param {Frame | null} frame */
  drawUpdate(frame) {
    const { data, shelf, trace } = this.view;
    const guess = trace.head.update && frame ? shelf.look(frame.iteration) : null;
    const { labels, update } = trace.head;
    this.update.draw(update, guess, frame, labels ?? [], Boolean(data.experiment) && !data.locked?.includes("wire"));
  }

  /** @param {Frame | null} frame */
  drawCaptions(frame) {
    const { cursor, trace, data } = this.view;
    const known = words.captions(trace.head.labels, frame?.labels, data.classes, data.told, data.unnamed);
    const said = this.view.covered ? { truth: "", guess: "", labels: "", right: [] } : known;
    text(this.find("truth-caption"), said.truth);
    text(this.find("guess-caption"), said.guess);
    text(this.find("labels"), said.labels);
    text(this.find("remark"), data.remark ?? "");
    this.drawWhy();
    this.find("labels").title = translate(said.labels);
    this.find("guess-caption").dataset.right = said.guess && !data.told ? String(said.right.every(Boolean)) : "";
    this.panels.mark(said.right);
    const at = cursor.shown ?? 0;
    /** @type {(name: string, sentence: string) => void} */
    const tell = (name, sentence) => describe(this.find(name), "aria-label", sentence);
    tell("truth", `The private picture. ${said.truth}`);
    tell("guess", `The attacker's guess at iteration ${at}. ${said.guess}`);
    tell("difference", `The error of each pixel at iteration ${at}`);
  }

  /** Says in the places of the private picture and of the error that they are kept back, if they are. */
  cover() {
    for (const name of /** @type {const} */ (["truth", "difference"])) {
      const { dataset } = this.find(name);
      dataset.usual ??= dataset.empty;
      dataset.empty = this.view.covered ? translate(words.COVERED) : dataset.usual;
    }
  }

  drawWhy() {
    const { why, mend } = this.view.data;
    const [cause, act] = [this.find("why"), this.find("mend")];
    text(cause, why ? words.failed(why) : "");
    text(act, mend ?? "");
    Object.assign(cause, { hidden: !why, title: translate(why ?? "") });
    act.hidden = !mend;
  }

  drawStatus() {
    const { source, trace, cursor, data } = this.view;
    const { status, message, queue_position: place } = trace.head;
    const recording = Boolean(source && !source.live);
    const preparing = status === "queued" && Boolean(message) && !place;
    const state = recording ? "recording" : status;
    Object.assign(this.root.dataset, { status: state, following: cursor.following });
    const word = this.find("word");
    const [refused, barred] = [!source && Boolean(data.refused), Boolean(data.entry)];
    text(word, words.headline({ status, recording, preparing, refused, barred }));
    Object.assign(word.dataset, { status: state });
    word.title = translate(words.because(status));
    word.classList.toggle("gl-poor", ["done", "recovered", "level"].includes(state) && words.poor(trace));
    this.drawProgress(preparing);
    this.drawFacts(!recording);
  }

  /** @param {boolean} preparing */
  drawProgress(preparing) {
    const { share } = this.view.trace.head;
    const progress = this.find("progress");
    progress.hidden = !preparing || typeof share !== "number";
    progress.value = share ?? 0;
  }

  /** @param {boolean} live */
  drawFacts(live) {
    const { trace, ended, source, data } = this.view;
    const facts = source || !data.length ? words.facts(trace, ended, live) : [data.length];
    const node = this.find("facts");
    facts.forEach((fact, index) => {
      text(node.children[index] ?? node.appendChild(document.createElement("span")), fact);
    });
    while (node.children.length > facts.length) node.lastChild?.remove();
  }

  drawMessage() {
    const { note, aside, trace, data, problem } = this.view;
    const { message, result } = trace.head;
    const outcome = result?.verdict || words.reached(trace) || words.foreseen(trace);
    const said = note || message || [aside, outcome].filter(Boolean).join(" ");
    const invited = !(data.refused || problem || data.complaint);
    const whole = said || (invited ? data.foreword : "");
    text(this.find("message"), data.compact ? words.watched(whole) : whole);
  }

  drawScrubber() {
    const { trace, cursor, ended } = this.view;
    const scrubber = this.find("scrubber");
    const [least, most] = [trace.frames[0]?.iteration ?? 0, trace.horizon(ended)];
    Object.assign(scrubber, { min: least, max: most, value: cursor.at ?? 0 });
    const share = (Number(scrubber.value) - least) / Math.max(1, most - least);
    scrubber.style.setProperty("--gl-at", `${100 * share}%`);
    describe(scrubber, "aria-valuetext", `iteration ${cursor.shown ?? 0} of ${trace.head.steps ?? 0}`);
    this.strip.point(cursor.shown ?? 0);
  }

  drawControls() {
    const { api, busy, controls, cursor, data, ended, problem, source, trace } = this.view;
    controls.show({
      status: trace.head.status,
      live: Boolean(source?.live),
      playing: Boolean(source && !source.live),
      ended,
      busy,
      armed: Boolean(data.experiment),
      refused: data.refused,
      problem: problem || data.complaint,
      fixes: data.refused ? data.fixes : [],
      following: cursor.following,
      frames: trace.frames.length > 0,
      level: trace.head.status === "paused" && Boolean(trace.head.message),
      room: data.room && Boolean(data.experiment),
      entry: data.experiment ? data.entry : null,
    });
    const run = source?.live ? source.run : null;
    this.link("help", "how-it-works?tab=numbers");
    const own = run && !data.compact;
    this.sharing.show(own && data.people ? `${api}/runs/${run}` : null, own && !data.people ? run : null);
    this.find("fork").disabled = !run || cursor.shown === null || !data.experiment;
    const kept = ended && trace.head.status !== "deleted";
    this.downloads.offer(kept && run ? `${api}/runs/${run}/export` : null);
  }

  /**
   * @param {"help"} name
   * @param {string | false | null} address hidden without one
   */
  link(name, address) {
    const link = this.find(name);
    link.hidden = !address;
    if (address) link.href = address;
  }

  /** For screen readers: now and then, and never without the last word. */
  speak() {
    const { trace, ended, source, cursor } = this.view;
    text(this.find("spoken"), words.spoken(trace, ended, Boolean(source?.live), cursor.frame));
  }

  drawCurves() {
    const { trace, cursor, ended, album, batch } = this.view;
    const filled = this.strip.show(trace.spread(SLOTS, ended), album, batch);
    filled.then(() => this.strip.point(this.view.cursor.shown ?? 0));
    text(this.find("shown"), `iteration ${cursor.shown ?? "–"}`); // here, so that it and the charts say the same
    this.charts.draw(trace, cursor.shown, trace.horizon(ended));
    this.root.dataset.curves = String(this.drawn.curves += 1);
  }
}
