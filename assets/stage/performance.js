// @ts-check
// A chapter that is computed: it is started live, and its recording takes over where the run falls silent.
/** @import { Chapter } from "./programme.js" */
/** @import { Server } from "./server.js" */
import { NO_ANSWER } from "../live/words.js";
import { say } from "../live/language.js";
import { post } from "../live/source.js";
import { Player } from "./player.js";
import { loadRecording } from "./programme.js";
import { pause } from "./server.js";

/** Milliseconds after which a run that says nothing is taken for lost. */
export const SILENT_MS = 3000;
const UNDER_WAY = ["queued", "running", "paused"];

export class Performance {
  /** @type {"armed" | "starting" | "live" | "recorded"} */
  state = "armed";
  /** why there is no run */
  problem = "";
  /** @type {string[]} the runs that were started here last */
  own = [];
  /** the run or the race on show, by which phones can follow it */
  subject = "";

  /**
   * @param {string} api
   * @param {Chapter} chapter
   * @param {Server} server
   * @param {number} visibly the likeness by which a person sees a difference
   * @param {() => void} changed
   */
  constructor(api, chapter, server, visibly, changed) {
    this.api = api;
    this.chapter = chapter;
    this.server = server;
    this.visibly = visibly;
    this.changed = changed;
    this.players = chapter.experiments.map((_, at) => new Player(at + 1, chapter.names[at] ?? "", changed));
    this.subject = chapter.race ?? chapter.runs[0] ?? "";
    if (chapter.runs.length) this.follow(chapter.runs);
  }

  get status() {
    const statuses = this.players.map(({ trace }) => trace.head.status);
    return ["running", "paused", "queued", "loading"].find((one) => statuses.includes(one)) ?? statuses[0];
  }

  get ended() {
    return ["live", "recorded"].includes(this.state) && this.players.every(({ ended }) => ended);
  }

  get going() {
    return ["starting", "live", "recorded"].includes(this.state) && !this.ended;
  }

  /** The moment on show: the newest that every lane has reached, or has ended before. */
  get moment() {
    const { by } = this.chapter;
    const on = this.players.filter(({ ended }) => !ended);
    const seen = (on.length ? on : this.players).map((player) => player.seen(by));
    return on.length ? Math.min(...seen) : Math.max(0, ...seen);
  }

  /** Starts, pauses or goes on. */
  toggle() {
    if (!this.going) this.start();
    else if (this.state === "recorded") this.pauseRecordings(this.status !== "paused");
    else if (this.state === "live") this.ask(this.status === "paused" ? "resume" : "pause");
  }

  /** @param {boolean} paused */
  pauseRecordings(paused) {
    for (const { source, ended } of this.players) if (!ended) /** @type {any} */ (source).pause(paused);
  }

  /** Runs the chapter live. Of two starts, the later one counts. */
  async start() {
    const turn = this.turn = {};
    const former = this.stopOwn();
    Object.assign(this, { state: "starting", problem: "" });
    this.changed();
    try {
      const runs = await Promise.race([former.then(() => this.submit(turn)), silence()]);
      if (turn === this.turn) this.follow(runs);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      if (message === NO_ANSWER) this.server.lose();
      if (turn === this.turn) this.rescue(message);
    }
  }

  /**
   * @param {object} turn
   * @returns {Promise<string[]>}
   */
  async submit(turn) {
    const { chapter: { experiments: [experiment, ...others] } } = this;
    const { id, runs } = others.length ? await this.race() : await this.run(experiment);
    this.own = runs;
    if (turn === this.turn) this.subject = id;
    else this.stopOwn(); // the recording has taken over, or another start has
    return runs;
  }

  /** @param {any} experiment */
  async run(experiment) {
    /** @type {{ id: string }} */
    const { id } = await post(`${this.api}/runs`, { experiment });
    return { id, runs: [id] };
  }

  /** Starts all lanes. */
  async race() {
    const { experiments, by, title } = this.chapter;
    const race = await post(`${this.api}/races`, { lanes: experiments, by, title: title || null });
    /** @type {{ id: string }[]} */
    const lanes = race.lanes;
    return { id: race.id, runs: lanes.map(({ id }) => id) };
  }

  /** @param {string[]} runs */
  follow(runs) {
    this.state = "live";
    runs.forEach((run, at) => this.players[at]?.follow(this.api, run, () => this.server.lose()));
    this.changed();
  }

  /** A run that should go on has said nothing for too long. */
  get silent() {
    if (this.state !== "live" || this.ended || this.status === "paused" || this.server.away) return false;
    return performance.now() - Math.max(...this.players.map((player) => player.heard)) > SILENT_MS;
  }

  /** Looks whether the run has fallen silent. */
  watch() {
    if (this.silent && this.chapter.recorded) this.rescue("");
  }

  /**
   * Lets the recordings go on from what is on show. Without any, what is on show stays.
   * @param {string} problem why there is no run
   */
  async rescue(problem) {
    const { chapter, players } = this;
    const turn = this.turn = {};
    const recorded = await loadRecording(this.api, chapter);
    if (turn !== this.turn) return;
    this.problem = problem;
    if (recorded?.length === players.length) {
      const on = this.state === "live";
      this.stopOwn();
      this.state = "recorded";
      players.forEach((player, at) => player.replay(recorded[at], this.visibly, on));
    } else if (this.state === "starting") this.state = "armed";
    this.changed();
  }

  /** The server is back: what was followed is asked for at once, and has its time again. */
  reopen() {
    for (const player of this.players) player.reopen();
  }

  /** @param {"pause" | "resume"} verb */
  ask(verb) {
    const player = this.players.find(({ ended, source }) => !ended && source);
    player?.source?.post(verb).catch((/** @type {Error} */ error) => {
      this.problem = error.message;
      this.changed();
    });
  }

  /** Ends the runs that were started here, so that they hold up nobody. */
  async stopOwn() {
    const runs = this.own.splice(0);
    await Promise.all(runs.map(async (run) => {
      const address = `${this.api}/runs/${run}`;
      const row = await fetch(address).then((answer) => answer.json()).catch(() => null);
      if (UNDER_WAY.includes(row?.status)) await post(`${address}/stop`, {}).catch(() => undefined);
    }));
  }

  /** Another chapter is on show. */
  leave() {
    if (!this.going) return;
    if (this.state === "recorded") this.pauseRecordings(true);
    else this.stopOwn();
  }
}

/** @returns {Promise<never>} */
async function silence() {
  await pause(SILENT_MS);
  throw new Error(say("The server has not started the run."));
}
