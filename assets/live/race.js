// @ts-check
// A race: several runs, live or stored, with one clock, one scrubber and common axes.
/** @import { Frame, RaceComponent, RaceData, Wanted } from "./types" */
import "./drawer.js";
import { decode } from "./album.js";
import { openStage, tellStage } from "./hall.js";
import { Lane, place } from "./lane.js";
import { Mounted } from "./mounted.js";
import { RaceDrawing } from "./race_drawing.js";
import { together } from "./race_words.js";
import { post } from "./source.js";

const REPLAY_MS = 5000;

/** @typedef {"iterations" | "seconds"} By */

export class Race extends Mounted {
  /** @type {Lane[]} */
  lanes = [];
  /** @type {By} */
  by = "iterations";
  /** @type {number | null} the moment on show, null for the newest */
  at = null;
  /** @type {string | null} the race on show */
  shown = null;
  /** @type {string | null} a race that the page was told of and has not named yet */
  told = null;
  /** the race on show was seen to go on, so that the page is told when it ends */
  going = false;
  /** @type {Lane | null} the lane whose update is on show */
  looked = null;
  /** @type {number | null} the iteration at which the race on show is to be shown first */
  begin = null;
  /** @type {RaceComponent | null} */
  component = null;

  /**
   * @param {HTMLElement} parent
   * @param {RaceData} data
   */
  constructor(parent, data) {
    super(parent, data, Boolean(data.race));
    this.data = /** @type {RaceData} */ ({ ...data, race: null, shown: null });
    /** @type {HTMLButtonElement[]} */
    this.ways = Array.from(this.root.querySelectorAll("button[data-by]"));
    for (const way of this.ways) {
      const { signal } = this.abort;
      way.addEventListener("click", () => this.compareBy(/** @type {By} */ (way.dataset.by)), { signal });
    }
    this.drawing = new RaceDrawing(this);
  }

  /** @param {RaceComponent} component */
  update(component) {
    this.component = component;
    const { data } = component;
    const before = this.data;
    this.data = data;
    this.teach(data);
    if (JSON.stringify(data.race) !== JSON.stringify(before.race)) this.problem = "";
    this.drawing.charts.theme();
    if (this.told && data.shown?.id !== this.told) return this.redraw();
    this.told = null;
    const [name, former] = [JSON.stringify(data.shown ?? data.race), JSON.stringify(before.shown ?? before.race)];
    if (!this.lanes.length || name !== former && data.shown?.id !== this.shown) this.present(data);
    this.drawing.mark();
    this.redraw();
  }

  /** @param {RaceData} data */
  present({ shown, race }) {
    this.shown = shown?.id ?? null;
    this.kept = shown?.race ?? false;
    if (race && !shown) this.by = race.by;
    this.layOut(shown?.names ?? race?.names ?? []);
    shown?.runs.forEach((run, index) => this.lanes[index].attach(this.api, run, this.lost));
    this.begin = this.data.shown && shown?.id === this.data.shown.id ? this.data.at ?? null : null;
    this.foresee();
  }

  /** Goes, once, to the moment at which a link shows the race first, as soon as every lane has come so far. */
  goToBeginning() {
    const { begin, lanes } = this;
    const there = lanes.every((lane) => lane.ended || lane.end("iterations") >= (begin ?? 0));
    if (begin === null || !there || !lanes.some(({ trace }) => trace.frames.length)) return;
    this.begin = null;
    this.by = "iterations";
    this.scrub(begin);
  }

  /** @param {string[]} names */
  layOut(names) {
    clearInterval(this.playing);
    for (const lane of this.lanes) lane.close();
    this.at = null;
    this.note = "";
    this.going = false;
    const looked = this.looked?.number ?? 0;
    const acts = { changed: () => this.redraw(), go: this.goTo, look: this.look };
    this.lanes = names.map((name, index) => new Lane(index + 1, name, acts));
    for (const lane of this.lanes) lane.covered = this.hides("truth");
    this.look(this.lanes[looked - 1] ?? null);
    this.drawing.layOut(this.lanes);
  }

  /** Until the runs have said what they hold: the private picture of the set-up. */
  async foresee() {
    const { lanes } = this;
    const picture = this.data.preview && await decode(this.data.preview).catch(() => null);
    if (!picture || lanes !== this.lanes) return;
    for (const lane of lanes) if (!lane.asked) lane.showTruth(picture, this.data.batch);
  }

  unmount() {
    super.unmount();
    clearInterval(this.playing);
    for (const lane of this.lanes) lane.close();
    this.drawing.close();
  }

  /** @param {number} tries */
  lost = (tries) => this.say(tries ? "Connection lost, trying again…" : "");

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
      stage: () => openStage(this.kept === true && `?race=${this.shown}`),
      fix: () => undefined,
      enter: (pin) => this.enter(pin),
    };
  }

  async run() {
    const { entry, race, refused } = this.data;
    if (this.busy || !race || refused || entry) return;
    this.busy = true;
    this.problem = "";
    this.redraw();
    try {
      if (this.lanes.some(({ under }) => under)) await this.ask("stop", { leave: true });
      const { lanes, title } = race;
      const started = await post(`${this.api}/races`, { lanes, title, by: this.by });
      const runs = started.lanes.map((/** @type {{ id: string }} */ lane) => lane.id);
      this.told = started.id;
      this.present({ ...this.data, shown: { id: started.id, runs, names: race.names, race: true } });
      this.going = true;
      this.component?.setStateValue("race", started.id);
      tellStage({ race: started.id });
    } catch (error) {
      this.problem = /** @type {Error} */ (error).message;
    }
    this.busy = false;
    this.redraw();
  }

  pause() {
    const status = together(this.lanes);
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
    this.redraw();
  }

  /** @param {number} at */
  scrub(at) {
    this.at = at;
    for (const lane of this.lanes) lane.scrub(at, this.by);
    this.redraw();
  }

  /**
   * @param {Lane} lane
   * @param {Frame | null} frame
   */
  goTo = (lane, frame) => frame && this.scrub(place(frame, this.by));

  /**
   * Shows the update of another lane beneath the pictures, or of none.
   * @param {Lane | null} lane
   */
  look = (lane) => {
    this.looked = lane === this.looked ? null : lane;
    for (const one of this.lanes) one.press(one === this.looked);
    this.redraw();
  };

  /** @param {number} by */
  move(by) {
    const lane = this.lanes.reduce((most, one) => (one.trace.frames.length > most.trace.frames.length ? one : most));
    const { frames } = lane.trace;
    const at = frames.findLastIndex((frame) => place(frame, this.by) <= (this.moment ?? 0) + 1e-9);
    if (at + by >= frames.length && together(this.lanes) === "paused") this.ask("step", { iterations: 1 });
    else if (frames[at + by]) this.scrub(place(frames[at + by], this.by));
  }

  /** @param {By} by */
  compareBy(by) {
    if (by === this.by) return;
    this.by = by;
    this.drawing.charts.reset();
    this.follow();
  }

  redraw() {
    this.drawing.dirty();
  }

  /** Tells the page, once, that the race which it has seen go on is over. */
  tellEnd() {
    if (this.lanes.some(({ trace }) => trace.head.status === "running")) this.going = true;
    if (!this.going || !this.ended || !this.kept || !this.shown) return;
    this.going = false;
    this.component?.setStateValue("race", this.shown);
  }
}

export { Race as View };
