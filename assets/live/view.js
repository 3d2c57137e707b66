// @ts-check
// The wiring: one source at a time, everything it said in a trace, and one place that draws.
/** @import { Component, Data, Find, Head, Source, Wanted } from "./types" */
import "./drawer.js";
import { Album, decode } from "./album.js";
import { Cursor } from "./cursor.js";
import { openStage, tellStage } from "./hall.js";
import { Mounted } from "./mounted.js";
import { ENDED, LiveSource, RecordingSource, post } from "./source.js";
import { Drawing } from "./drawing.js";
import { Shelf, hide } from "./tiles.js";
import { Trace } from "./trace.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const HIDDEN_MS = 60000;
const ECHO_MS = 5000;

export class View extends Mounted {
  /** @type {Source | null} */
  source = null;
  trace = new Trace();
  album = new Album(() => undefined);
  shelf = new Shelf(async () => "", () => undefined);
  changed = () => this.drawing.dirty("pictures", "curves");
  cursor = new Cursor(this.trace, this.album, this.changed);
  /** @type {Component | null} */
  component = null;
  /** @type {{ run: string, until: number } | null} a run that the page was told of and has not named yet */
  echo = null;
  /** @type {{ run: string | null, recording: string | null }} what the page named last, as far as it was followed */
  followed = { run: null, recording: null };
  /** @type {string | null} the run that was started here last */
  own = null;
  /** what is to be known of the run on show: that others have it too */
  aside = "";
  /** the private picture of the run on show was asked for */
  asked = false;
  /** the private picture is kept back */
  covered = false;
  /** @type {number | null} the iteration at which the run on show is to be shown first */
  begin = null;

  /**
   * @param {HTMLElement} parent
   * @param {Data} data
   */
  constructor(parent, data) {
    super(parent, data, !data.compact);
    /** @type {Data} */
    this.data = { ...data, experiment: null, run: null, recording: null, preview: null, start: null };
    this.drawing = new Drawing(this, this.find, calm);
    document.addEventListener("visibilitychange", () => this.visible(), { signal: this.abort.signal });
  }

  // ---- what the page says -------------------------------------------------------------------

  /** @param {Component} component */
  update(component) {
    this.component = component;
    const { data } = component;
    const before = this.data;
    this.data = data;
    this.teach(data);
    if (this.hides("truth") !== this.covered) this.coverOrShow();
    if (JSON.stringify(data.experiment) !== JSON.stringify(before.experiment)) this.problem = "";
    this.followPage();
    const others = data.preview !== before.preview || JSON.stringify(data.start) !== JSON.stringify(before.start);
    if (others && !this.truthful) this.drawing.clear();
    this.foresee();
    this.drawing.charts.theme();
    this.changed();
  }

  /** Covers the private picture, or shows it again. */
  coverOrShow() {
    this.covered = this.hides("truth");
    this.asked = false;
    this.drawing.clear();
    if (this.source) this.seeTruth(this.source);
  }

  /** Puts on show what the page names, but not before it has named the run that it was told of, or had time to. */
  followPage() {
    clearTimeout(this.patience);
    const left = this.echo && this.data.run !== this.echo.run ? this.echo.until - performance.now() : 0;
    if (left > 0) {
      this.patience = setTimeout(() => this.gone || this.followPage(), left);
      return;
    }
    this.echo = null;
    const { run, recording } = this.data;
    const before = this.followed;
    this.followed = { run, recording };
    if (run !== before.run || recording !== before.recording) this.stageFor(before.run);
  }

  /**
   * Puts on show a run, a recording, or nothing where the set-up has become another.
   * @param {string | null} before the run that the page named before
   */
  stageFor(before) {
    const { run, recording } = this.data;
    if (run && this.source?.live && run === this.source.run) return;
    if (run) this.attach(new LiveSource(this.api, run, this.hear, this.lost));
    else if (before || !this.source?.live) this.attach(recording ? this.recorded(recording) : null);
  }

  /** @param {string} recording */
  recorded(recording) {
    const file = recording.includes("/") ? recording : `${recording}.json`;
    const { href } = new URL(file, `${this.api}/static/recordings/`);
    return new RecordingSource(href, this.hear, this.lost, calm);
  }

  /** @param {Source | null} source */
  attach(source) {
    this.source?.close();
    this.cursor.close();
    this.source = source;
    this.trace = new Trace();
    this.album = new Album((iteration) => source?.frame(iteration));
    this.cursor = new Cursor(this.trace, this.album, this.changed);
    this.shelf = new Shelf(async (iteration) => source?.tiles(iteration) ?? "", this.changed);
    this.asked = false;
    this.note = this.aside = "";
    this.drawing.clear();
    this.foresee();
    this.controls.pace(null);
    this.begin = source?.live && source.run === this.data.run ? this.data.at ?? null : null;
    if (source?.live) this.trace.head.status = "loading";
    if (!document.hidden) source?.open();
    this.changed();
  }

  unmount() {
    super.unmount();
    this.source?.close();
    this.cursor.close();
    this.drawing.close();
    clearTimeout(this.sleep);
  }

  visible() {
    clearTimeout(this.sleep);
    if (document.hidden) this.sleep = setTimeout(() => this.source?.live && this.source.close(), HIDDEN_MS);
    else {
      this.source?.open();
      this.changed();
    }
  }

  // ---- what the source says -----------------------------------------------------------------

  /**
   * @param {Head} head
   * @param {Blob | string | null} [picture]
   */
  hear = (head, picture) => {
    const { source, ended } = this;
    if (!source) return;
    this.note = "";
    this.trace.add(head, source.live ? performance.now() / 1000 : head.seconds ?? 0);
    this.seeTruth(source);
    this.goToBeginning();
    if (head.tiles && head.picture != null) this.shelf.keep(head.picture, head.tiles);
    if (picture && head.picture != null) this.see(head.picture, picture);
    else this.changed();
    if (this.ended && !ended && source.live && head.status !== "deleted") this.tell(source.run);
  };

  /** Goes, once, to the moment at which a link shows the run first, as soon as the run has come so far. */
  goToBeginning() {
    const last = this.trace.frames.at(-1);
    if (this.begin === null || !last || last.iteration < this.begin && !this.ended) return;
    this.cursor.scrub(this.begin);
    this.begin = null;
  }

  /** @param {number} tries */
  lost = (tries) => {
    if (tries) this.trace.lose();
    this.say(tries ? "Connection lost, trying again…" : "The recording could not be loaded; press Run it live.");
  };

  redraw() {
    this.drawing.dirty("pictures");
  }

  /**
   * Draws what was said with a picture once, when the picture can be drawn too.
   * @param {number} iteration
   * @param {Blob | string} picture
   */
  async see(iteration, picture) {
    const { cursor } = this;
    const decoded = await decode(picture).catch(() => null);
    if (cursor !== this.cursor) return;
    if (decoded) cursor.hear(iteration, decoded);
    this.changed();
  }

  /** Until a run has said what it holds: the private pictures of the set-up, as far as the page has them. */
  async foresee() {
    const { preview, experiment } = this.data;
    if (!preview || this.truthful || this.hides("truth")) return;
    const picture = await decode(preview).catch(() => null);
    if (!picture || preview !== this.data.preview || this.truthful || this.gone) return;
    this.drawing.showTruth(picture, experiment?.images.length ?? 1);
    await this.foreseeStart();
  }

  /** Of a fork: the guess that it begins with. */
  async foreseeStart() {
    const { start, experiment } = this.data;
    const address = start && `${this.api}/runs/${start.run}/frames/${start.iteration}`;
    const picture = address && await decode(address).catch(() => null);
    if (!picture || start !== this.data.start || this.cursor.picture || this.gone) return;
    this.drawing.showStart(picture, experiment?.images.length ?? 1);
  }

  /** Asks the page for the set-up of the run on show, to go on from the guess on show. */
  fork() {
    const { source, cursor } = this;
    if (source?.live) this.component?.setTriggerValue("fork", `${source.run}@${cursor.shown}`);
  }

  /** Whether a run has said what it holds. */
  get truthful() {
    return Boolean(this.trace.head.labels?.length);
  }

  /** @param {Source} source */
  async seeTruth(source) {
    if (this.asked || !this.truthful || !source.truth || this.hides("truth")) return;
    this.asked = true;
    const picture = await decode(source.truth).catch(() => null);
    if (source !== this.source || this.gone) return;
    if (picture) this.drawing.showTruth(picture, this.batch);
    else this.asked = false;
  }

  /**
   * Tells the page which run this is. Until it says the same, what it says is older than what we know.
   * @param {string} run
   */
  tell(run) {
    if (run !== this.data.run) this.echo = { run, until: performance.now() + ECHO_MS };
    this.component?.setStateValue("run", run);
  }

  get ended() {
    return ENDED.has(this.trace.head.status);
  }

  get batch() {
    return this.trace.head.batch || 1;
  }

  // ---- what the user wants ------------------------------------------------------------------

  /** @returns {Wanted} */
  get wanted() {
    return {
      run: () => this.run(),
      pause: () => this.pause(),
      step: (iterations) => this.step(iterations),
      stop: () => this.stop(),
      pace: (perSecond) => this.pace(perSecond),
      follow: () => this.cursor.follow(),
      scrub: (iteration) => this.scrub(iteration),
      move: (by) => this.move(by),
      change: () => this.change(),
      stage: () => openStage(this.source?.live === true && `?run=${this.source.run}`),
      fix: (title) => this.component?.setTriggerValue("fix", title),
      enter: (pin) => this.enter(pin),
    };
  }

  async run() {
    const { entry, experiment, refused } = this.data;
    if (this.busy || !experiment || refused || entry) return;
    this.busy = true;
    this.problem = "";
    this.drawing.dirty("pictures");
    try {
      await this.stopOwn();
      const fresh = this.controls.fresh ? { fresh: true } : {};
      const { id, said = "" } = await post(`${this.api}/runs`, { experiment, ...fresh });
      this.own = id;
      this.attach(new LiveSource(this.api, id, this.hear, this.lost));
      this.aside = said;
      this.tell(id);
      tellStage({ run: id });
    } catch (error) {
      this.problem = /** @type {Error} */ (error).message;
    }
    this.busy = false;
    this.drawing.dirty("pictures");
  }

  /** Ends the run that was started here last, or leaves it to others, so that the next one need not wait for it. */
  async stopOwn() {
    const run = `${this.api}/runs/${this.own}`;
    const row = this.own && await fetch(run).then((answer) => answer.json()).catch(() => null);
    if (!["queued", "running", "paused"].includes(row?.status)) return;
    await post(`${run}/stop`, { leave: true }).catch(() => {});
  }

  /**
   * On a narrow screen the page keeps the set-up folded away. The name is Streamlit's own: where it calls its button
   * otherwise, Change set-up does nothing.
   */
  change() {
    /** @type {HTMLElement | null} */
    const button = document.querySelector("[data-testid=stExpandSidebarButton]");
    button?.click();
  }

  /**
   * Hides a layer of the next run from its attacker, or shows it again: the set-up is the page's.
   * @param {string} name
   * @param {boolean} gone
   */
  hide(name, gone) {
    this.component?.setTriggerValue("hidden", hide(this.data.experiment?.threat?.hidden ?? "", name, gone));
  }

  pause() {
    const { source } = this;
    const { status } = this.trace.head;
    if (!source) return;
    if (!source.live) this.pauseRecording(source);
    else if (status === "running") this.ask("pause");
    else if (status === "paused") {
      this.cursor.follow();
      this.ask("resume");
    }
  }

  /** @param {RecordingSource} source */
  pauseRecording(source) {
    if (!source.finished) return source.pause(this.trace.head.status !== "paused");
    this.attach(source);
    source.restart();
  }

  /** @param {number} iterations */
  step(iterations) {
    if (!["running", "paused"].includes(this.trace.head.status) || !this.source?.live) return;
    this.cursor.follow();
    this.ask("step", { iterations });
  }

  stop() {
    if (!this.ended) this.ask("stop");
  }

  /** @param {number | null} perSecond */
  pace(perSecond) {
    this.controls.pace(perSecond);
    this.ask("pace", { per_second: perSecond });
  }

  /**
   * Asks the server to do something with the run on show.
   * @param {string} verb
   * @param {object} [body]
   */
  ask(verb, body) {
    if (!this.source?.live) return;
    this.source.post(verb, body).then(({ said }) => {
      if (said) this.aside = said;
      this.changed();
    }, (error) => {
      if (verb === "pace") this.controls.pace(null);
      this.refuse(error.message);
    });
  }

  /** @param {string} sentence why not; what goes on would talk over a note at once */
  refuse(sentence) {
    if (this.trace.head.status === "running") this.aside = sentence;
    else this.note = sentence;
    this.changed();
  }

  /** @param {number} iteration */
  scrub(iteration) {
    this.cursor.scrub(iteration);
  }

  /**
   * Arrows: to the frame before or after; beyond the newest, a paused run does one more iteration.
   * @param {number} by
   */
  move(by) {
    const beyond = this.cursor.move(by);
    if (beyond && this.trace.head.status === "paused") this.step(1);
  }
}
