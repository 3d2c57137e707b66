// The one place that draws, at most once a frame: pictures and words up to ten times a second, curves four or five times.
const { search } = new URL(import.meta.url);
const [{ Panels, FilmStrip }, { Charts }, { Layers }, { text }, words] =
  await Promise.all(["pictures", "charts", "layers", "controls", "words"].map((name) => import(`./${name}.js${search}`)));

const SPEECH_MS = 2000;
const SLOTS = 12;

/** Draws what a view holds: its source, trace, shown iteration and picture. */
export class Stage {
  constructor(view, find, calm) {
    Object.assign(this, { view, find, root: view.root, every: calm ? { pictures: 500, curves: 500 } : { pictures: 60, curves: 200 } });
    this.stale = { pictures: false, curves: false };
    this.at = { pictures: 0, curves: 0, speech: 0 };
    this.drawn = { pictures: 0, curves: 0 };
    this.panels = new Panels(find);
    this.layers = new Layers(find, words.small);
    this.strip = new FilmStrip(find("strip"), SLOTS, (iteration) => view.scrub(iteration));
    this.charts = new Charts(view.root, find, () => this.dirty("curves"));
  }

  dirty(...parts) {
    for (const part of parts) this.stale[part] = true;
    if (!this.closed) this.next ??= requestAnimationFrame((now) => this.draw(now));
  }

  clear() {
    this.panels.clear();
    this.strip.clear();
    this.picture = null;
  }

  showTruth(picture, batch) {
    this.panels.showTruth(picture, batch);
    this.picture = null;
    this.dirty("pictures");
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.next);
    clearTimeout(this.later);
    this.charts.purge();
  }

  due(part, now) {
    if (!this.stale[part] || now - this.at[part] < this.every[part]) return false;
    this.stale[part] = false;
    this.at[part] = now;
    return true;
  }

  draw(now) {
    this.next = null;
    if (this.due("pictures", now)) this.drawFrame(now);
    else if (this.due("curves", now)) this.drawCurves();
    if (this.stale.pictures || this.stale.curves) this.dirty();
  }

  drawFrame(now) {
    const { picture, batch, trace, shown } = this.view;
    const frame = shown === null ? null : trace.frames[trace.index(shown)];
    if (picture && picture !== this.picture) {
      this.panels.showGuess(picture, batch);
      this.picture = picture;
      this.root.dataset.pictures = this.drawn.pictures += 1;
    }
    this.drawNumbers(frame);
    this.drawCaptions(frame);
    this.drawStatus();
    this.drawControls();
    this.speak(frame, now);
  }

  drawNumbers(frame) {
    const { shown } = this.view;
    const ssim = frame?.metrics?.ssim;
    for (const [name, value] of Object.entries(words.numbers(frame, this.view.ended, this.view.data.told))) text(this.find(name), value);
    this.layers.show(frame?.layers);
    this.root.classList.toggle("gl-recognisable", ssim >= words.RECOGNISABLE);
    Object.assign(this.root.dataset, { ssim: ssim ?? "", iteration: shown ?? "" });
    text(this.find("shown"), `iteration ${shown ?? "–"}`);
  }

  drawCaptions(frame) {
    const { trace, data, shown } = this.view;
    const said = words.captions(trace.head.labels, frame?.labels, data.classes, data.told);
    text(this.find("truth-caption"), said.truth);
    text(this.find("guess-caption"), said.guess);
    text(this.find("labels"), said.labels);
    text(this.find("remark"), data.remark ?? "");
    this.find("remark").hidden = !data.remark;
    this.find("labels").hidden = !said.labels;
    this.find("guess-caption").dataset.right = said.guess && !data.told ? said.right.every(Boolean) : "";
    this.panels.mark(said.right ?? []);
    const describe = (name, sentence) => this.find(name).setAttribute("aria-label", sentence);
    describe("truth", `The private image. ${said.truth}`);
    describe("guess", `The attacker's guess at iteration ${shown ?? 0}. ${said.guess}`);
    describe("difference", `Absolute difference at iteration ${shown ?? 0}, times 4`);
  }

  drawStatus() {
    const { source, trace, ended, following, note } = this.view;
    const { status, message } = trace.head;
    const recording = source && !source.live;
    const state = recording ? "recording" : status;
    Object.assign(this.root.dataset, { status: state, following });
    const preparing = status === "queued" && message;
    text(this.find("word"), recording ? "Recording of a real run – press Run it live" : preparing ? "Preparing" : !source && this.view.data.refused ? "Not possible" : words.word(status));
    const { share } = trace.head;
    this.find("progress").hidden = !preparing || typeof share !== "number";
    this.find("progress").value = share ?? 0;
    text(this.find("setup"), this.view.data.summary ?? "");
    this.find("word").dataset.status = state;
    this.find("word").classList.toggle("gl-poor", ["done", "recovered"].includes(state) && trace.frames.at(-1)?.metrics?.ssim < words.RECOGNISABLE);
    const facts = words.facts(trace, ended, !recording);
    const node = this.find("facts");
    facts.forEach((fact, index) => text(node.children[index] ?? node.appendChild(document.createElement("span")), fact));
    while (node.children.length > facts.length) node.lastChild.remove();
    text(this.find("message"), note || message || trace.head.result?.verdict || (source ? "" : this.view.data.refused ? "This set-up cannot be run." : "Choose a set-up and press Run it live."));
  }

  drawControls() {
    const { view } = this;
    const { source, trace, ended, shown, wish } = view;
    const { status, steps } = trace.head;
    const scrubber = this.find("scrubber");
    Object.assign(scrubber, { min: trace.frames[0]?.iteration ?? 0, max: trace.horizon(ended), value: wish ?? shown ?? 0 });
    scrubber.style.setProperty("--gl-at", `${(100 * (scrubber.value - scrubber.min)) / Math.max(1, scrubber.max - scrubber.min)}%`);
    scrubber.setAttribute("aria-valuetext", `iteration ${shown ?? 0} of ${steps ?? 0}`);
    this.strip.point(shown ?? 0);
    view.controls.show({
      live: Boolean(source?.live), playing: Boolean(source && !source.live), status, ended, busy: view.busy, following: view.following,
      refused: view.data.refused, problem: view.problem, armed: Boolean(view.data.experiment), frames: trace.frames.length > 0,
    });
    this.link("help", true, () => `${view.data.base}/how-it-works?tab=numbers`);
    this.link("watch", source?.live, () => `${view.data.base}/?run=${source.run}&watch=1`);
    this.link("export", ended && source?.live, () => `${view.api}/runs/${source.run}/export.zip`);
  }

  link(name, there, address) {
    const link = this.find(name);
    link.hidden = !there;
    if (there) link.href = address();
  }

  /** For screen readers: at most every two seconds, and never without the last word. */
  speak(frame, now) {
    const wait = this.at.speech + SPEECH_MS - now;
    if (wait > 0) {
      this.later ??= setTimeout(() => { this.later = null; this.dirty("pictures"); }, wait);
      return;
    }
    this.at.speech = now;
    text(this.find("spoken"), words.spoken(this.view.trace, this.view.ended, this.view.source?.live, frame));
  }

  drawCurves() {
    const { trace, ended, shown, album, batch, data } = this.view;
    const horizon = trace.horizon(ended);
    if (!data.compact) this.strip.show(trace.spread(SLOTS, ended), album, batch).then(() => this.strip.point(this.view.shown ?? 0));
    this.charts.draw(trace, shown, horizon);
    this.root.dataset.curves = this.drawn.curves += 1;
  }
}
