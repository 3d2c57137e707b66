// @ts-check
// The one place that draws a race, at most once a frame: pictures and words often, curves four times a second.
/** @import { Lane } from "./lane.js" */
/** @import { Race } from "./race.js" */
import { describe, text } from "./controls.js";
import { translate } from "./language.js";
import { Downloads } from "./downloads.js";
import { place } from "./lane.js";
import { Pacer } from "./pacer.js";
import { Slot } from "./pictures.js";
import { RaceCharts } from "./race_charts.js";
import * as said from "./race_words.js";
import { Sharing } from "./sharing.js";
import { UpdatePanel } from "./update.js";
import { RACE_DOWNLOADS } from "./words.js";

const PICTURES_MS = 60;
const CURVES_MS = 250;

export class RaceDrawing {
  /** @type {Slot[]} */
  slots = [];
  pacer = new Pacer({
    pictures: { every: PICTURES_MS, draw: () => this.drawFrame() },
    curves: { every: CURVES_MS, draw: () => this.drawCurves() },
  });

  /** @param {Race} race */
  constructor(race) {
    this.race = race;
    this.find = race.find;
    this.panel = new UpdatePanel(race.root, race.find, () => undefined);
    this.downloads = new Downloads(race.find, race.abort.signal, (sentence) => race.say(sentence), RACE_DOWNLOADS);
    this.charts = new RaceCharts(race.root, race.find, () => this.dirty());
    const { signal } = race.abort;
    const teach = race.find("teach");
    const last = () => Math.max(0, ...race.lanes.map(({ cursor }) => cursor.shown ?? 0));
    teach.addEventListener("click", () => race.shareForTeaching(last() || null), { signal });
    teach.hidden = !race.data.race && race.data.compact;
    this.sharing = new Sharing(race.find, "race", { signal, say: (sentence) => race.say(sentence) });
  }

  /**
   * Makes room for the lanes of another race.
   * @param {Lane[]} lanes
   */
  layOut(lanes) {
    this.find("lanes").replaceChildren(...lanes.map(({ node }) => node));
    this.slots = lanes.map((lane) => new Slot((at) => this.race.goTo(lane, lane.frameAt(at, "iterations"))));
    this.slots.forEach((slot, index) => { slot.button.dataset.lane = String(index + 1); });
    this.find("finish").replaceChildren(...this.slots.map(({ button }) => button));
    this.race.root.dataset.lanes = String(lanes.length);
    this.mark();
  }

  /** Gives each lane's name the line that it has in the charts. */
  mark() {
    for (const lane of this.race.lanes) {
      const { color, dash } = this.charts.line(lane);
      const kind = dash === "solid" ? "solid" : dash.includes("dot") ? "dotted" : "dashed";
      lane.node.style.setProperty("--gl-stroke", `${kind} ${color}`);
    }
  }

  close() {
    this.pacer.close();
    this.charts.purge();
  }

  dirty() {
    this.pacer.ask("pictures", "curves");
  }

  drawFrame() {
    this.race.goToBeginning();
    const { by, lanes, moment } = this.race;
    for (const lane of lanes) {
      if (moment !== null) lane.keepUp(moment, by);
      lane.draw(lanes[0], moment, by);
    }
    this.drawUpdate();
    this.drawWords();
    this.drawControls();
    this.race.tellEnd();
  }

  drawCurves() {
    this.charts.draw(/** @type {any} */ (this.race), this.race.moment, this.race.horizon);
    this.drawFinish();
  }

  drawUpdate() {
    const { looked } = this.race;
    this.find("update").hidden = !looked;
    if (!looked) return;
    text(this.find("whose"), `Update of lane ${looked.number}, ${looked.name}`);
    const { labels, update } = looked.trace.head;
    const { frame } = looked.cursor;
    this.panel.draw(update, update && frame ? looked.shelf.look(frame.iteration) : null, frame, labels ?? [], false);
  }

  drawWords() {
    const { at, by, data, ended, horizon, lanes, live, moment, note, problem, root, ways } = this.race;
    const status = said.together(lanes);
    const word = this.find("word");
    Object.assign(root.dataset, { status, following: at === null });
    text(word, said.headline(lanes, Boolean(data.refused) && !live));
    word.dataset.status = data.refused && !live ? "refused" : status;
    word.classList.toggle("gl-poor", ended && lanes.every(({ crossing }) => !crossing));
    text(this.find("facts"), said.progress(lanes, moment, by, ended ? horizon : null));
    text(this.find("shared"), data.shared);
    const invited = !(live || data.refused || problem || data.complaint);
    const invitation = invited ? data.foreword || said.invitation(lanes) : "";
    const message = note || said.halt(lanes) || said.verdict(lanes, by) || invitation;
    text(this.find("message"), message);
    if (ended) text(this.find("spoken"), message);
    text(this.find("shown"), said.clock(moment, by));
    for (const way of ways) way.setAttribute("aria-pressed", String(way.dataset.by === by));
  }

  drawControls() {
    const { api, at, busy, controls, data, ended, kept, lanes, live, problem, shown } = this.race;
    const frames = lanes.some(({ trace }) => trace.frames.length > 0);
    controls.show({
      status: said.together(lanes), live, ended, busy, frames,
      problem: problem || data.complaint, fixes: [], level: Boolean(said.halt(lanes)),
      playing: ended && frames, armed: Boolean(data.race), refused: data.refused, following: at === null,
      room: false, entry: data.race ? data.entry : null,
    });
    if (!data.race) this.find("run").hidden = true;
    this.drawScrubber();
    this.downloads.offer(ended && kept && shown ? `${api}/races/${shown}/export` : null);
    const own = kept && !data.compact ? shown : null;
    this.sharing.show(own && data.people ? `${api}/races/${own}` : null, data.people ? null : own);
  }

  drawScrubber() {
    const { by, horizon, moment } = this.race;
    const scrubber = this.find("scrubber");
    const at = moment ?? 0;
    Object.assign(scrubber, { min: 0, max: horizon, step: by === "seconds" ? 0.01 : 1 });
    scrubber.value = String(at);
    scrubber.style.setProperty("--gl-at", `${100 * Math.min(1, at / horizon)}%`);
    describe(scrubber, "aria-valuetext", said.clock(at, by));
  }

  /** The pictures of all lanes at the moment when the first of them was recognisable. */
  drawFinish() {
    const { by, ended, lanes } = this.race;
    const [first] = said.inOrder(lanes, by);
    const at = first?.crossing ? place(first.crossing, by) : null;
    text(this.find("finish-text"), said.finish(at, by, ended));
    this.slots.forEach((slot, index) => {
      const lane = lanes[index];
      const before = at !== null && lane.end(by) < at;
      const frame = at === null || before && !lane.ended ? null : lane.frameAt(at, by);
      slot.show(frame?.iteration ?? null, lane.album, lane.batch);
      slot.button.dataset.end = before && lane.ended ? translate(said.fate(lane.trace)) : "";
    });
  }
}
