// @ts-check
// What a chapter looks like: a run, a race, a figure or words. Every place is there from the start.
/** @import { Chapter } from "./programme.js" */
/** @import { Server } from "./server.js" */
/** @import { Player } from "./player.js" */
import { decode } from "../live/album.js";
import { text } from "../live/controls.js";
import { FIGURES } from "../live/explanation_figures.js";
import { say } from "../live/language.js";
import { captions, likened, recognisable, seen } from "../live/words.js";
import { LikenessCurve } from "./curve.js";
import { Performance } from "./performance.js";
import { preview } from "./preview.js";
import { loadRecording } from "./programme.js";

/** @typedef {{ caption: string, source: string }} Shown a picture that the audience sees */
/** @typedef {{ label: string, value: string, note: string }} Big a big number with what it is */

/**
 * @param {string} name
 * @param {string} className
 * @param {Node | null} parent
 * @returns {HTMLElement}
 */
export function element(name, className, parent = null) {
  const node = Object.assign(document.createElement(name), { className });
  parent?.appendChild(node);
  return node;
}

/** The figures that a chapter has in big letters. */
class Numbers {
  /** @param {HTMLElement} parent */
  constructor(parent) {
    const list = element("dl", "st-numbers", parent);
    this.places = ["moment", "seen", "label"].map((name) => {
      const one = element("div", `st-number st-${name}`, list);
      return { one, label: element("dt", "", one), value: element("dd", "", one) };
    });
  }

  /** @param {Big[]} numbers */
  show(numbers) {
    numbers.forEach(({ label, value, note }, at) => {
      const { one, label: head, value: body } = this.places[at];
      text(head, label);
      text(body, value);
      one.dataset.note = note;
    });
  }
}

/** A run or a race. */
export class RunScene {
  covered = false;

  /**
   * @param {string} site
   * @param {Chapter} chapter
   * @param {Server} server
   * @param {number} visibly
   * @param {() => void} changed
   */
  constructor(site, chapter, server, visibly, changed) {
    this.chapter = chapter;
    this.covered = Boolean(chapter.covered);
    this.performance = new Performance(`${site}api`, chapter, server, visibly, changed);
    const { players } = this.performance;
    this.node = element("section", players.length > 1 ? "st-scene st-race" : "st-scene st-run");
    this.node.style.setProperty("--st-lanes", String(Math.max(1, players.length)));
    this.node.classList.toggle("st-many", players.length > 2);
    this.pictures = element("div", "st-pictures", this.node);
    this.foot = element("div", "st-foot", this.node);
    this.truth = players.length > 1 ? this.frame(this.foot, "truth") : this.frame(this.pictures, "truth");
    this.guesses = players.map((player) => this.frame(this.pictures, "guess", player));
    this.hang();
    this.numbers = new Numbers(this.foot);
    this.curve = new LikenessCurve(element("div", "st-plot", this.foot));
    this.foresee(site);
  }

  /** Puts the players' pictures into their frames. */
  hang() {
    const [first] = this.performance.players;
    if (!first) return;
    this.truth.body.append(first.panels.boxes.truth);
    this.truth.body.dataset.empty = say("It appears when the run starts.");
    this.guesses.forEach(({ body, figure }, at) => {
      const { guess } = this.performance.players[at].panels.boxes;
      guess.dataset.empty = "";
      body.append(guess);
      figure.style.setProperty("--st-lane", `var(--st-lane-${at + 1})`);
    });
  }

  /**
   * @param {HTMLElement} parent
   * @param {"truth" | "guess"} name
   * @param {Player | null} player
   */
  frame(parent, name, player = null) {
    const figure = element("figure", `st-figure st-is-${name}`, parent);
    const head = element("figcaption", "st-name", figure);
    const body = element("div", "st-frame", figure);
    const caption = element("p", "st-caption", figure);
    if (player) figure.dataset.lane = String(player.number);
    return { figure, head, body, caption };
  }

  /** Until a run has said what it holds: the private picture of the recording, or of the set-up. */
  async foresee(site = "") {
    const [player] = this.performance.players;
    const recording = (await loadRecording(site, this.chapter))?.[0];
    const picture = recording ? await decode(recording.truth).catch(() => null) : await preview(site, this.chapter);
    const batch = recording?.head.batch ?? this.chapter.experiments[0]?.images?.length ?? 1;
    if (picture && player && !player.truthful) player.showTruth(picture, batch);
  }

  get label() {
    const { state, ended, silent, status, problem } = this.performance;
    if (state === "recorded") return [say("recorded"), problem].filter(Boolean).join(": ");
    if (problem) return problem;
    if (state === "armed") return this.chapter.problem ?? "";
    if (state === "starting" || ["queued", "loading"].includes(status)) return this.waiting;
    if (ended) return "";
    if (silent) return say("waiting for the worker");
    return status === "paused" ? say("paused") : say("live");
  }

  /** What a run waits for. Why one that has begun had to stop is no word for a hall. */
  get waiting() {
    const trace = this.performance.players[0]?.trace;
    if (trace?.frames.length) return say("waiting for the worker");
    return trace?.head.message || say("starting");
  }

  draw() {
    const { players, moment } = this.performance;
    const { by } = this.chapter;
    for (const player of players) {
      player.keepUp(moment, by);
      player.paint();
    }
    this.node.classList.toggle("st-covered", this.covered);
    if (players.length) this.write(players);
    this.curve.draw(this.performance);
    Object.assign(this.node.dataset, { state: this.performance.state, status: this.performance.status });
    this.node.dataset.iteration = String(players[0]?.frame?.iteration ?? "");
  }

  /** @param {Player[]} players */
  write(players) {
    const [first] = players;
    const said = players.map((player, at) => this.say(player, at));
    const several = (first.trace.head.batch ?? this.chapter.experiments[0]?.images?.length) > 1;
    const whose = several ? say("Private pictures") : say("Private picture");
    text(this.truth.head, whose);
    text(this.truth.caption, this.covered ? "" : said[0].truth);
    this.truth.body.dataset.cover = say("Covered");
    this.guesses.forEach(({ head, figure, caption }, at) => {
      text(head, players.length > 1 ? `${at + 1}  ${players[at].name}` : say("Attacker's guess"));
      text(caption, players.length > 1 ? [said[at].seen, said[at].guess].filter(Boolean).join(" · ") : "");
      figure.classList.toggle("st-recognisable", recognisable(players[at].frame?.metrics));
    });
    this.numbers.show(this.big(said));
  }

  /** @param {{ seen: string, guess: string, ends: string }[]} said what is said of each lane */
  big(said) {
    const moment = this.moment;
    if (said.length > 1) return [moment];
    const label = this.chapter.told[0] ? say("Label, told to the attacker") : say("Label that the attacker finds");
    return [
      moment,
      { label: say("Likeness"), value: said[0].seen || "–", note: said[0].ends },
      { label, value: said[0].guess || "–", note: "" },
    ];
  }

  /** The clock in big letters. */
  get moment() {
    const { players } = this.performance;
    const { by } = this.chapter;
    const [first] = players;
    const steps = first?.trace.head.steps ?? 0;
    if (by === "seconds") {
      const seconds = Math.max(0, ...players.map(({ frame }) => frame?.seconds ?? 0));
      return { label: say("Seconds"), value: seconds.toFixed(1), note: "" };
    }
    const at = Math.max(0, ...players.map(({ frame }) => frame?.iteration ?? 0));
    const label = steps ? say("Iteration of {steps}", { steps: whole(steps) }) : say("Iteration");
    return { label, value: at ? whole(at) : "–", note: "" };
  }

  /**
   * @param {Player} player
   * @param {number} at
   */
  say({ frame, trace }, at) {
    const { classes, told } = this.chapter;
    const known = captions(trace.head.labels, frame?.labels, classes, told[at], [], false);
    const { likeness } = frame?.metrics ?? {};
    const word = seen(frame?.metrics);
    const score = typeof likeness === "number" ? likened(likeness) : "";
    const guess = this.covered ? say("covered") : known.guess;
    const looks = [word && say(word), score].filter(Boolean).join(" ");
    return { truth: known.truth, guess: known.guess && guess, seen: looks, ends: word };
  }

  /** @returns {Shown[]} */
  get shown() {
    const boxes = [this.truth, ...this.guesses];
    return boxes.map(({ body, head }) => ({ caption: head.textContent ?? "", source: picture(body) }));
  }

  toggle() {
    this.performance.toggle();
  }

  again() {
    this.performance.start();
  }

  cover() {
    this.covered = !this.covered;
  }

  leave() {
    this.performance.leave();
  }

  close() {
    this.leave();
    this.curve.close();
    for (const player of this.performance.players) player.close();
  }
}

/** A figure of the page that explains. */
export class FigureScene {
  covered = false;
  at = 0;
  /** @type {string | undefined} */
  theme;
  /** @type {import("../live/explanation_figures.js").Figure | null} */
  figure = null;
  /** @type {number | undefined} */
  clock;

  /**
   * @param {string} site
   * @param {Chapter} chapter
   */
  constructor(site, chapter) {
    this.node = element("section", "st-scene st-explains gl-explanation");
    const scene = element("div", "gl-scene", this.node);
    this.told = element("p", "gl-told", this.node);
    const { file, make } = FIGURES[chapter.figure ?? ""] ?? {};
    if (make) {
      fetch(`${site}api/static/recordings/${file}.json`).then((answer) => answer.json()).then((recorded) => {
        this.figure = make(scene, recorded);
        this.go(0);
      }).catch(() => text(this.told, say("The figure could not be loaded.")));
    }
  }

  /** @returns {Shown[]} */
  get shown() {
    return [{ caption: this.told.textContent ?? "", source: "" }];
  }

  /** @param {number} at */
  go(at) {
    if (!this.figure) return;
    this.at = at;
    this.node.dataset.step = String(at);
    text(this.told, this.figure.draw(at));
  }

  toggle() {
    if (this.clock !== undefined || !this.figure) return this.leave();
    if (this.at + 1 >= this.figure.steps) this.go(0);
    this.clock = setInterval(() => this.advance(), this.figure.pace);
  }

  advance() {
    if (!this.figure || this.at + 1 >= this.figure.steps) return this.leave();
    this.go(this.at + 1);
  }

  again() {
    this.leave();
    this.go(0);
    this.toggle();
  }

  leave() {
    clearInterval(this.clock);
    this.clock = undefined;
  }

  /** Draws anew in other colours. */
  draw() {
    const { theme } = document.documentElement.dataset;
    if (theme !== this.theme) this.go(this.at);
    this.theme = theme;
  }

  cover() {}

  close() {
    this.leave();
  }
}

/** A few lines in large letters. */
export class WordsScene {
  covered = false;

  /** @param {Chapter} chapter */
  constructor(chapter) {
    /** @type {Shown[]} */
    this.shown = [{ caption: (chapter.lines ?? []).join(" "), source: "" }];
    this.node = element("section", "st-scene st-words");
    for (const line of chapter.lines ?? []) element("p", "", this.node).textContent = line;
  }

  toggle() {}

  again() {}

  leave() {}

  draw() {}

  cover() {}

  close() {}
}

/** @param {number} value */
const whole = (value) => value.toLocaleString("en");

/**
 * The first picture in a frame, as an address.
 * @param {HTMLElement} body
 */
function picture(body) {
  const canvas = body.querySelector("canvas");
  return canvas ? canvas.toDataURL() : "";
}
