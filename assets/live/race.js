// @ts-check
// A race: several runs, live or stored, with one clock, one scrubber and common axes.
/** @import { Find, Frame, RaceComponent, RaceData, Wanted } from "./types" */
import "./drawer.js";
import { decode } from "./album.js";
import { Controls, text } from "./controls.js";
import { Lane, place } from "./lane.js";
import { Slot } from "./pictures.js";
import { RaceCharts } from "./race_charts.js";
import * as said from "./race_words.js";
import { post } from "./source.js";
import { offerSkip } from "./skip.js";
import { facts, learn, word } from "./words.js";

const PICTURES_MS = 60;
const CURVES_MS = 250;
const REPLAY_MS = 5000;

/** @typedef {"iterations" | "seconds"} By */

export class Race {
  /** @type {Lane[]} */
  lanes = [];
  /** @type {Slot[]} */
  slots = [];
  /** @type {By} */
  by = "iterations";
  /** @type {number | null} the moment on show, null for the newest */
  at = null;
  /** @type {string | null} the race on show */
  shown = null;
  /** @type {string | null} a race that the page was told of and has not named yet */
  told = null;
  busy = false;
  problem = "";
  note = "";
  drawn = { pictures: 0, curves: 0 };
  /** @type {number | null} */
  next = null;
  gone = false;
  abort = new AbortController();

  /**
   * @param {HTMLElement} parent
   * @param {RaceData} data
   */
  constructor(parent, data) {
    learn(data);
    this.root = /** @type {HTMLElement} */ (parent.querySelector(".gl-view"));
    this.data = /** @type {RaceData} */ ({ ...data, race: null, shown: null });
    this.api = new URL(`${data.base}/api`, location.origin).href;
    this.find = /** @type {Find} */ ((/** @type {string} */ name) => this.root.querySelector(`[data-gl=${name}]`));
    const { signal } = this.abort;
    this.controls = new Controls(this.root, this.find, this.wanted, { keys: true, signal });
    /** @type {HTMLButtonElement[]} */
    this.ways = Array.from(this.root.querySelectorAll("button[data-by]"));
    for (const way of this.ways) {
      way.addEventListener("click", () => this.compareBy(/** @type {By} */ (way.dataset.by)), { signal });
    }
    if (data.race) this.skip = offerSkip(this.find("run"), "Skip to Run");
    this.charts = new RaceCharts(this.root, this.find, () => this.dirty());
  }

  /** @param {RaceComponent} component */
  update(component) {
    this.component = component;
    const { data } = component;
    const before = this.data;
    this.data = data;
    if (JSON.stringify(data.race) !== JSON.stringify(before.race)) this.problem = "";
    this.charts.theme();
    if (this.told && data.shown?.id !== this.told) return this.dirty();
    this.told = null;
    const [name, former] = [JSON.stringify(data.shown ?? data.race), JSON.stringify(before.shown ?? before.race)];
    if (!this.lanes.length || name !== former && data.shown?.id !== this.shown) this.present(data);
    this.mark();
    this.dirty();
  }

  /** @param {RaceData} data */
  present({ shown, race }) {
    this.shown = shown?.id ?? null;
    this.kept = shown?.race ?? false;
    if (race && !shown) this.by = race.by;
    this.layOut(shown?.names ?? race?.names ?? []);
    shown?.runs.forEach((run, index) => this.lanes[index].attach(this.api, run, this.lost));
    this.foresee();
  }

  /** @param {string[]} names */
  layOut(names) {
    clearInterval(this.playing);
    for (const lane of this.lanes) lane.close();
    this.at = null;
    this.note = "";
    this.lanes = names.map((name, index) => new Lane(index + 1, name, () => this.dirty(), this.goTo));
    this.find("lanes").replaceChildren(...this.lanes.map(({ node }) => node));
    this.slots = this.lanes.map((lane) => new Slot((at) => this.goTo(lane, lane.frameAt(at, "iterations"))));
    this.slots.forEach((slot, index) => { slot.button.dataset.lane = String(index + 1); });
    this.find("finish").replaceChildren(...this.slots.map(({ button }) => button));
    this.root.dataset.lanes = String(names.length);
    this.mark();
  }

  /** Gives each lane's name the line that it has in the charts. */
  mark() {
    for (const lane of this.lanes) {
      const { color, dash } = this.charts.line(lane);
      const kind = dash === "solid" ? "solid" : dash.includes("dot") ? "dotted" : "dashed";
      lane.node.style.setProperty("--gl-stroke", `${kind} ${color}`);
    }
  }

  /** Until the runs have said what they hold: the private picture of the set-up. */
  async foresee() {
    const { lanes } = this;
    const picture = this.data.preview && await decode(this.data.preview).catch(() => null);
    if (!picture || lanes !== this.lanes) return;
    for (const lane of lanes) if (!lane.asked) lane.showTruth(picture, this.data.batch);
  }

  unmount() {
    this.abort.abort();
    this.skip?.remove();
    clearInterval(this.playing);
    for (const lane of this.lanes) lane.close();
    this.charts.purge();
    this.gone = true;
  }

  /** @param {number} tries */
  lost = (tries) => this.say(tries ? "Connection lost, trying again…" : "");

  /** @param {string} sentence */
  say(sentence) {
    this.note = sentence;
    this.dirty();
  }

  get ended() {
    return this.lanes.length > 0 && this.lanes.every(({ ended }) => ended);
  }

  get live() {
    return this.lanes.some(({ source }) => source);
  }

  /** Where the common clock ends. */
  get horizon() {
    const ends = this.lanes.map((lane) => lane.end(this.by));
    if (this.ended) return Math.max(...ends) || 1;
    if (this.by === "iterations") return Math.max(25, ...this.lanes.map(({ trace }) => trace.horizon(false)));
    let end = 1;
    while (end < Math.max(...ends)) end *= 2;
    return end;
  }

  /** The moment on show: the newest that every lane has reached, or has ended before. */
  get moment() {
    if (this.at !== null) return this.at;
    const going = this.lanes.filter(({ ended }) => !ended);
    const seen = (going.length ? going : this.lanes).map((lane) => lane.seen(this.by));
    const moment = going.length ? Math.min(...seen) : Math.max(0, ...seen);
    return moment || null;
  }

  // ---- what the user wants ------------------------------------------------------------------

  /** @returns {Wanted} */
  get wanted() {
    return {
      run: () => this.run(),
      pause: () => this.pause(),
      step: (iterations) => this.ask("step", { iterations }),
      stop: () => this.ask("stop"),
      pace: (perSecond) => { this.controls.pace(perSecond); this.ask("pace", { per_second: perSecond }); },
      follow: () => this.follow(),
      scrub: (at) => { clearInterval(this.playing); this.scrub(at); },
      move: (by) => this.move(by),
      change: () => undefined,
      fix: () => undefined,
    };
  }

  async run() {
    const { race, refused } = this.data;
    if (this.busy || !race || refused) return;
    this.busy = true;
    this.problem = "";
    this.dirty();
    try {
      if (this.lanes.some(({ under }) => under)) await this.ask("stop");
      const { lanes, title } = race;
      const started = await post(`${this.api}/races`, { lanes, title, by: this.by });
      const runs = started.lanes.map((/** @type {{ id: string }} */ lane) => lane.id);
      this.told = started.id;
      this.present({ ...this.data, shown: { id: started.id, runs, names: race.names, race: true } });
      this.component?.setStateValue("race", started.id);
    } catch (error) {
      this.problem = /** @type {Error} */ (error).message;
    }
    this.busy = false;
    this.dirty();
  }

  pause() {
    const status = said.together(this.lanes);
    if (this.ended) this.replay();
    else if (status === "running") this.ask("pause");
    else if (status === "paused") {
      this.follow();
      this.ask("resume");
    }
  }

  /** Plays what was recorded once more, on the common clock. */
  replay() {
    clearInterval(this.playing);
    const [begun, end] = [performance.now(), this.horizon];
    this.playing = setInterval(() => {
      const share = Math.min(1, (performance.now() - begun) / REPLAY_MS);
      this.scrub(end * share ** 1.5);
      if (share === 1) this.follow();
    }, 100);
  }

  /**
   * Asks the server to do something with the lanes that go on, which do it together.
   * @param {string} verb
   * @param {object} [body]
   */
  async ask(verb, body = {}) {
    const lane = this.lanes.find(({ under, source }) => under && source);
    await lane?.source?.post(verb, body).catch((error) => this.say(error.message));
  }

  follow() {
    clearInterval(this.playing);
    this.at = null;
    for (const lane of this.lanes) Object.assign(lane.cursor, { following: true, wish: null });
    this.dirty();
  }

  /** @param {number} at */
  scrub(at) {
    this.at = at;
    for (const lane of this.lanes) lane.scrub(at, this.by);
    this.dirty();
  }

  /**
   * @param {Lane} lane
   * @param {Frame | null} frame
   */
  goTo = (lane, frame) => frame && this.scrub(place(frame, this.by));

  /** @param {number} by */
  move(by) {
    const lane = this.lanes.reduce((most, one) => (one.trace.frames.length > most.trace.frames.length ? one : most));
    const { frames } = lane.trace;
    const at = frames.findLastIndex((frame) => place(frame, this.by) <= (this.moment ?? 0) + 1e-9);
    if (at + by >= frames.length && said.together(this.lanes) === "paused") this.ask("step", { iterations: 1 });
    else if (frames[at + by]) this.scrub(place(frames[at + by], this.by));
  }

  /** @param {By} by */
  compareBy(by) {
    if (by === this.by) return;
    this.by = by;
    this.charts.reset();
    this.follow();
  }

  // ---- drawing --------------------------------------------------------------------------------

  dirty() {
    if (!this.gone) this.next ??= requestAnimationFrame((now) => this.draw(now));
  }

  /** @param {number} now */
  draw(now) {
    this.next = null;
    if (now - this.drawn.pictures >= PICTURES_MS) {
      this.drawn.pictures = now;
      const { moment } = this;
      for (const lane of this.lanes) {
        if (moment !== null) lane.keepUp(moment, this.by);
        lane.draw(this.lanes[0]);
      }
      this.drawWords();
      this.drawControls();
      this.stale = true;
    } else this.dirty();
    if (!this.stale) return;
    if (now - this.drawn.curves < CURVES_MS) return this.dirty();
    this.stale = false;
    this.drawn.curves = now;
    this.charts.draw(/** @type {any} */ (this), this.moment, this.horizon);
    this.drawFinish();
  }

  drawWords() {
    const status = said.together(this.lanes);
    const node = this.find("word");
    Object.assign(this.root.dataset, { status, following: this.at === null });
    text(node, word(status));
    node.dataset.status = status;
    const ahead = this.lanes.find(({ under }) => under) ?? this.lanes[0];
    text(this.find("facts"), ahead ? facts(ahead.trace, ahead.ended, this.live).slice(0, 1).join("") : "");
    const { refused, complaint, foreword } = this.data;
    const before = this.live ? "" : foreword || said.invitation(this.lanes);
    const message = this.note || said.verdict(this.lanes, this.by) || before;
    text(this.find("message"), refused || this.problem || complaint ? "" : message);
    if (this.ended) text(this.find("spoken"), message);
    text(this.find("shown"), said.clock(this.moment, this.by));
    for (const way of this.ways) way.setAttribute("aria-pressed", String(way.dataset.by === this.by));
  }

  drawControls() {
    const { busy, data, ended, live, problem } = this;
    const frames = this.lanes.some(({ trace }) => trace.frames.length > 0);
    this.controls.show({
      status: said.together(this.lanes), live, ended, busy, frames,
      problem: problem || data.complaint, fixes: [], level: false,
      playing: ended && frames, armed: Boolean(data.race), refused: data.refused, following: this.at === null,
    });
    this.find("run").hidden = !data.race;
    const scrubber = this.find("scrubber");
    const [most, at] = [this.horizon, this.moment ?? 0];
    Object.assign(scrubber, { min: 0, max: most, step: this.by === "seconds" ? 0.01 : 1 });
    scrubber.value = String(at);
    scrubber.style.setProperty("--gl-at", `${100 * Math.min(1, at / most)}%`);
    scrubber.setAttribute("aria-valuetext", said.clock(at, this.by));
    const link = this.find("export");
    link.hidden = !(ended && this.kept);
    if (!link.hidden) link.href = `${this.api}/races/${this.shown}/export.zip`;
  }

  /** The pictures of all lanes at the moment when the first of them was recognisable. */
  drawFinish() {
    const [first] = said.inOrder(this.lanes, this.by);
    const at = first?.crossing ? place(first.crossing, this.by) : null;
    text(this.find("finish-text"), said.finish(at, this.by));
    this.slots.forEach((slot, index) => {
      const lane = this.lanes[index];
      const frame = at === null || lane.end(this.by) < at && !lane.ended ? null : lane.frameAt(at, this.by);
      slot.show(frame?.iteration ?? null, lane.album, lane.batch);
    });
  }
}

export { Race as View };
