// The wiring: one source at a time, everything it said in a trace, and one place that draws.
const { search } = new URL(import.meta.url);
const [{ LiveSource, RecordingSource, ENDED, post }, { Trace }, { Album, decode }, { Controls }, { Stage }] =
  await Promise.all(["source", "trace", "album", "controls", "stage", "drawer"].map((name) => import(`./${name}.js${search}`)));

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const HIDDEN_MS = 60000;

export class View {
  constructor(parent, data) {
    this.root = parent.querySelector(".gl-view");
    this.data = {};
    this.root.classList.toggle("gl-compact", data.compact);
    this.api = new URL(`${data.base}/api`, location.origin).href;
    const find = (name) => this.root.querySelector(`[data-gl=${name}]`);
    this.abort = new AbortController();
    const wanted = Object.fromEntries(["run", "pause", "step", "stop", "pace", "follow", "scrub", "move", "change"].map((verb) => [verb, (...how) => this[verb](...how)]));
    this.stage = new Stage(this, find, calm);
    this.controls = new Controls(this.root, find, wanted, { keys: !data.compact, signal: this.abort.signal });
    document.addEventListener("visibilitychange", () => this.visible(), { signal: this.abort.signal });
    this.attach(null);
    this.stage.charts.start(`${this.api}/plotly.js`, this.trace).catch(() => this.say("The charts could not be loaded; reload the page."));
  }

  // ---- what the page says -------------------------------------------------------------------

  update(component) {
    this.component = component;
    const { data } = component;
    const before = this.data;
    this.data = data;
    if (JSON.stringify(data.experiment) !== JSON.stringify(before.experiment)) this.problem = null;
    if (data.run === this.echo?.run || performance.now() > this.echo?.until) this.echo = null;
    if (!this.echo) this.stageFor(data, before);
    if (data.preview !== before.preview && !this.truthful) this.stage.clear();
    this.foresee();
    this.stage.charts.theme();
    this.stage.dirty("pictures", "curves");
  }

  /** Puts on show what the page names: a run, a recording, or nothing where the set-up has become another. */
  stageFor(data, before) {
    if (data.run === before.run && data.recording === before.recording) return;
    if (data.run && data.run === this.source?.run) return;
    if (data.run) this.attach(new LiveSource(this.api, data.run, this.hear, this.lost));
    else if (before.run || !this.source?.live) this.attach(data.recording ? this.recorded(data.recording) : null);
  }

  recorded(recording) {
    const file = recording.includes("/") ? recording : `${recording}.json`;
    return new RecordingSource(new URL(file, `${this.api}/static/recordings/`).href, this.hear, this.lost, { still: calm });
  }

  attach(source) {
    this.source?.close();
    Object.assign(this, { source, trace: new Trace(), following: true, shown: null, wish: null, picture: null, asked: false, note: "" });
    this.album = new Album((iteration) => source.frame(iteration));
    this.stage.clear();
    this.foresee();
    this.controls.pace(null);
    if (source?.live) this.trace.head.status = "loading";
    if (!document.hidden) source?.open();
    this.stage.dirty("pictures", "curves");
  }

  unmount() {
    this.abort.abort();
    this.source?.close();
    this.stage.close();
    clearTimeout(this.sleep);
    this.gone = true;
  }

  visible() {
    clearTimeout(this.sleep);
    if (document.hidden) this.sleep = setTimeout(() => this.source?.live && this.source.close(), HIDDEN_MS);
    else {
      this.source?.open();
      this.stage.dirty("pictures", "curves");
    }
  }

  // ---- what the source says -----------------------------------------------------------------

  hear = (head, picture) => {
    const { source, ended } = this;
    this.note = "";
    this.trace.add(head, source.live ? performance.now() / 1000 : head.seconds);
    this.seeTruth(source);
    if (picture && head.picture != null) this.see(source, head.picture, picture);
    if (this.ended && !ended && source.live && head.status !== "deleted") this.tell(source.run);
    this.stage.dirty("pictures", "curves");
  };

  lost = (tries) => {
    this.say(tries ? "Connection lost, trying again…" : "The recording could not be loaded; press Run it live.");
  };

  say(sentence) {
    this.note = sentence;
    this.stage.dirty("pictures");
  }

  async see(source, iteration, picture) {
    const decoded = await decode(picture).catch(() => null);
    if (!decoded || source !== this.source) return;
    this.album.keep(iteration, decoded);
    if (this.following && iteration >= (this.shown ?? 0)) this.present(iteration, decoded);
  }

  /** Until a run has said what it holds: the private pictures of the set-up, as far as the page has them. */
  async foresee() {
    const { preview, experiment } = this.data;
    if (!preview || this.truthful) return;
    const picture = await decode(preview).catch(() => null);
    if (picture && preview === this.data.preview && !this.truthful && !this.gone) this.stage.showTruth(picture, experiment.images.length);
  }

  /** Whether a run has said what it holds. */
  get truthful() {
    return Boolean(this.trace.head.labels?.length);
  }

  async seeTruth(source) {
    if (this.asked || !this.truthful || !source.truth) return;
    this.asked = true;
    const picture = await decode(source.truth).catch(() => null);
    if (source !== this.source || this.gone) return;
    if (picture) this.stage.showTruth(picture, this.batch);
    else this.asked = false;
  }

  present(iteration, picture) {
    Object.assign(this, { shown: iteration, picture });
    this.stage.dirty("pictures", "curves");
  }

  /** Tells the page which run this is. Until it says the same, what it says is older than what we know. */
  tell(run) {
    if (run !== this.data.run) this.echo = { run, until: performance.now() + 5000 };
    this.component.setStateValue("run", run);
  }

  get ended() {
    return ENDED.has(this.trace.head.status);
  }

  get batch() {
    return this.trace.head.batch || 1;
  }

  // ---- what the user wants ------------------------------------------------------------------

  async run() {
    const { experiment, refused } = this.data;
    if (this.busy || !experiment || refused) return;
    this.busy = true;
    this.problem = null;
    this.stage.dirty("pictures");
    try {
      await this.stopOwn();
      const { id } = await post(`${this.api}/runs`, { experiment });
      this.own = id;
      this.attach(new LiveSource(this.api, id, this.hear, this.lost));
      this.tell(id);
    } catch (error) {
      this.problem = error.message;
    }
    this.busy = false;
    this.stage.dirty("pictures");
  }

  /** Ends the run that was started here last, on show or not, so that the next one need not wait for it. */
  async stopOwn() {
    const run = `${this.api}/runs/${this.own}`;
    const row = this.own && await fetch(run).then((answer) => answer.json()).catch(() => null);
    if (["queued", "running", "paused"].includes(row?.status)) await post(`${run}/stop`, {}).catch(() => {});
  }

  /** On a narrow screen the page keeps the set-up folded away. */
  change() {
    document.querySelector("[data-testid=stExpandSidebarButton]")?.click();
  }

  pause() {
    const { source, trace } = this;
    if (!source) return;
    if (!source.live) return source.finished ? this.replay() : source.pause(trace.head.status !== "paused");
    const verb = { running: "pause", paused: "resume" }[trace.head.status];
    if (verb === "resume") this.follow();
    if (verb) this.ask(verb);
  }

  replay() {
    const { source } = this;
    this.attach(source);
    source.restart();
  }

  step(iterations) {
    if (!this.source?.live || !["running", "paused"].includes(this.trace.head.status)) return;
    this.follow();
    this.ask("step", { iterations });
  }

  stop() {
    if (this.source?.live && !this.ended) this.ask("stop");
  }

  pace(perSecond) {
    this.controls.pace(perSecond);
    this.ask("pace", { per_second: perSecond });
  }

  ask(verb, body) {
    this.source.post(verb, body).catch((error) => this.say(error.message));
  }

  follow() {
    this.following = true;
    this.wish = null;
    const last = this.trace.frames.at(-1);
    if (last) this.fetch(last.iteration);
    this.stage.dirty("pictures", "curves");
  }

  /** Arrows: to the frame before or after; beyond the newest, a paused run does one more iteration. */
  move(by) {
    const { frames } = this.trace;
    if (!frames.length) return;
    const to = this.trace.index(this.wish ?? this.shown ?? Infinity) + by;
    if (to < frames.length) this.scrub(frames[Math.max(0, to)].iteration);
    else if (this.trace.head.status === "paused") this.step(1);
  }

  scrub(iteration) {
    this.following = false;
    this.fetch(this.trace.frames[this.trace.index(iteration)].iteration);
    this.stage.dirty("pictures", "curves");
  }

  /** Shows a frame's picture; while one loads, only the newest wish is remembered. */
  async fetch(iteration) {
    this.wish = iteration;
    if (this.fetching) return;
    this.fetching = true;
    const { source, album } = this;
    while (this.wish !== null && source === this.source && !this.gone) {
      const wish = this.wish;
      const picture = await album.get(wish).catch(() => null);
      if (source === this.source && picture && (!this.following || wish >= (this.shown ?? 0))) this.present(wish, picture);
      if (this.wish === wish) this.wish = null;
    }
    this.fetching = false;
    if (this.wish !== null && !this.gone) this.fetch(this.wish);
  }
}
