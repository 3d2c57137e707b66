// @ts-check
// The window that the audience sees: one chapter at a time, and the keys.
/** @import { Act } from "./keys.js" */
/** @import { Chapter, Programme } from "./programme.js" */
import { text } from "../live/controls.js";
import { say } from "../live/language.js";
import { Pacer } from "../live/pacer.js";
import { post } from "../live/source.js";
import { learn } from "../live/words.js";
import { explained, wanted } from "./keys.js";
import { loadProgramme, loadRecordings, subject } from "./programme.js";
import { FigureScene, RunScene, WordsScene, element } from "./scenes.js";
import { Server } from "./server.js";
import { followSystem, switchTheme } from "./theme.js";

const WATCH_MS = 250;
const DRAW_MS = 50;
const TELL_MS = 400;
const IDLE_MS = 2500;

/** @typedef {RunScene | FigureScene | WordsScene} Scene */

export class Stage {
  /** @type {Map<number, Scene>} what the chapters look like that were on show */
  scenes = new Map();
  at = 0;
  black = false;
  /** the run or the race that the phones follow */
  led = "";
  /** the address and the runs as they were written down last */
  remembered = "";
  /** when the first chapter was started */
  begun = 0;

  /**
   * @param {HTMLElement} root
   * @param {string} site
   * @param {Programme} programme
   * @param {URLSearchParams} query
   */
  constructor(root, site, programme, query) {
    learn(programme.words);
    this.root = root;
    this.site = site;
    this.programme = programme;
    this.query = query;
    this.find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-st=${name}]`));
    this.changed = () => this.pacer.ask("scene", "speaker");
    this.pacer = new Pacer({
      scene: { every: DRAW_MS, draw: () => this.draw() },
      speaker: { every: TELL_MS, draw: () => this.tell() },
    });
    this.server = new Server(`${site}api`, (back) => this.serverChanged(back));
    this.channel = new BroadcastChannel(`gradleak-stage?${subject(query)}`);
    this.channel.onmessage = ({ data }) => this.hear(data);
    this.build();
    followSystem(this.changed);
    this.go(Number(query.get("chapter") ?? 1) - 1, history.state?.runs);
    const { chapters } = programme;
    loadRecordings(site, [...chapters.slice(this.at), ...chapters.slice(0, this.at)]).then(() => this.foresee());
    setInterval(() => this.watch(), WATCH_MS);
    this.stayAwake();
  }

  build() {
    const list = this.find("keys");
    for (const [shown, does] of explained()) {
      element("dt", "", list).textContent = shown;
      element("dd", "", list).textContent = does;
    }
    addEventListener("keydown", (event) => this.press(event));
    for (const name of ["pointermove", "keydown"]) addEventListener(name, () => this.stir());
    addEventListener("resize", this.changed);
    this.root.addEventListener("pointerup", ({ pointerType }) => pointerType === "touch" && this.do("toggle"));
    this.stir();
    const tab = location.hash.slice(1);
    if (!tab) return;
    this.lab = new BroadcastChannel(`gradleak-lab-${tab}`);
    this.lab.onmessage = ({ data }) => this.followLab(data);
  }

  /** The pointer hides while nothing is pressed. */
  stir() {
    clearTimeout(this.idle);
    this.root.classList.remove("st-idle");
    this.idle = setTimeout(() => this.root.classList.add("st-idle"), IDLE_MS);
  }

  /** The screen stays on. */
  async stayAwake() {
    await navigator.wakeLock?.request("screen").catch(() => undefined);
  }

  // ---- what is on show ---------------------------------------------------------------------------

  /** @returns {Chapter | undefined} */
  get chapter() {
    return this.programme.chapters[this.at];
  }

  /** @returns {Scene | undefined} */
  get scene() {
    return this.scenes.get(this.at);
  }

  /**
   * @param {number} to
   * @param {string[]} [runs] that were on show before the page was loaded again
   */
  go(to, runs) {
    const { chapters } = this.programme;
    const at = Math.min(chapters.length - 1, Math.max(0, Number.isInteger(to) ? to : 0));
    if (at !== this.at) this.scene?.leave();
    this.at = at;
    if (!this.chapter) return;
    if (runs?.length) this.chapter.runs = runs;
    if (!this.scene) this.scenes.set(at, this.make(this.chapter));
    this.find("scene").replaceChildren(/** @type {Scene} */ (this.scene).node);
    document.title = [this.chapter.title, this.programme.title].filter(Boolean)[0] ?? "GradLeak";
    this.remember();
    this.changed();
  }

  /**
   * @param {Chapter} chapter
   * @returns {Scene}
   */
  make(chapter) {
    if (chapter.show === "figure") return new FigureScene(this.site, chapter);
    if (chapter.show === "words") return new WordsScene(chapter);
    return new RunScene(this.site, chapter, this.server, this.programme.words.visibly ?? 0, this.changed);
  }

  /** A page that is loaded again shows the same chapter, and the run that was started in it. */
  remember() {
    const query = subject(this.query);
    if (this.programme.chapters.length > 1) query.set("chapter", String(this.at + 1));
    const runs = this.scene instanceof RunScene ? this.scene.performance.own : [];
    const address = `${location.pathname}${String(query) && `?${query}`}${location.hash}`;
    const state = JSON.stringify([address, runs]);
    if (state !== this.remembered) history.replaceState({ runs: [...runs] }, "", address);
    this.remembered = state;
  }

  foresee() {
    for (const scene of this.scenes.values()) if (scene instanceof RunScene) scene.foresee(this.site);
    this.changed();
  }

  draw() {
    const { chapter, scene, server, root } = this;
    scene?.draw();
    text(this.find("title"), chapter?.title ?? "");
    text(this.find("state"), this.label);
    this.find("black").hidden = !this.black;
    root.dataset.chapter = String(this.at + 1);
    root.dataset.away = String(server.away);
  }

  /** What is said of the chapter beside its title. */
  get label() {
    const { scene, server, begun } = this;
    if (!(scene instanceof RunScene)) return "";
    const { state, ended } = scene.performance;
    if (server.away && ["starting", "live"].includes(state) && !ended) return say("Reconnecting…");
    return scene.label || (begun || state !== "armed" ? "" : say("Space starts it. H shows the keys."));
  }

  watch() {
    if (this.scene instanceof RunScene) this.scene.performance.watch();
    this.lead();
    this.changed();
  }

  /** In a room whose host has opened the stage, the phones follow what the hall may see. */
  lead() {
    const { scene, programme: { room }, site } = this;
    if (!room || !(scene instanceof RunScene) || scene.covered) return;
    const { state, subject: run } = scene.performance;
    if (state !== "live" || !run || run === this.led) return;
    this.led = run;
    post(`${site}api/room/follow`, { run }).catch(() => undefined); // nobody follows who is no host
  }

  /** @param {boolean} back */
  serverChanged(back) {
    if (back && this.scene instanceof RunScene) this.scene.performance.reopen();
    this.changed();
  }

  /**
   * A run or a race was started in the Lab from which the stage was opened.
   * @param {{ run?: string, race?: string }} started
   */
  async followLab(started) {
    const query = new URLSearchParams(started);
    const found = await loadProgramme(this.site, query).catch(() => null);
    if (!found?.chapters.length) return;
    this.query = query;
    this.programme = found;
    for (const scene of this.scenes.values()) scene.close();
    this.scenes.clear();
    this.go(0);
    loadRecordings(this.site, found.chapters);
  }

  // ---- what is wanted ----------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  press(event) {
    const act = wanted(event);
    if (!act) return;
    event.preventDefault();
    this.do(act);
  }

  /** @param {Act} act */
  do(act) {
    const { scene } = this;
    /** @type {Record<Act, () => void>} */
    const acts = {
      toggle: () => this.play(() => scene?.toggle()),
      again: () => this.play(() => scene?.again()),
      next: () => this.go(this.at + 1),
      previous: () => this.go(this.at - 1),
      cover: () => scene?.cover(),
      black: () => { this.black = !this.black; },
      full: () => this.fill(),
      back: () => this.back(),
      theme: () => switchTheme(),
      speaker: () => { open(this.speakers, `gradleak-speaker-${this.programme.title}`, "width=1100,height=760"); },
      code: () => this.showCode(),
      help: () => this.unfold("help"),
    };
    acts[act]();
    this.changed();
  }

  /** @param {() => void} act */
  play(act) {
    this.begun ||= Date.now();
    act();
  }

  /** The address of the speaker's window. */
  get speakers() {
    const query = subject(this.query);
    query.set("speaker", "1");
    query.set("chapter", String(this.at + 1));
    return `${location.pathname}?${query}`;
  }

  fill() {
    const all = document.documentElement;
    if (document.fullscreenElement) document.exitFullscreen();
    else all.requestFullscreen?.().catch(() => undefined);
  }

  /** Closes what lies over the stage; else leads back to where it was opened. */
  back() {
    const open = ["help", "code"].map(this.find).find((one) => !one.hidden);
    if (open) open.hidden = true;
    else if (window.opener) window.close();
    else location.assign(`${this.site}?${this.query.has("talk") ? "" : subject(this.query)}`);
  }

  showCode() {
    if (!this.programme.room) return;
    const image = /** @type {HTMLImageElement} */ (this.find("qr"));
    if (!image.src) image.src = `${this.site}api/room/qr.svg`;
    this.unfold("code");
  }

  /** @param {"help" | "code"} name */
  unfold(name) {
    const { hidden } = this.find(name);
    for (const one of ["help", "code"]) this.find(one).hidden = true;
    this.find(name).hidden = !hidden;
  }

  // ---- the speaker's window ----------------------------------------------------------------------

  /** @param {{ type: string, act?: Act, chapter?: number }} message */
  hear({ type, act, chapter }) {
    if (type === "act" && act) this.do(act);
    else if (type === "go" && chapter) this.go(chapter - 1);
    if (type !== "state") this.tell();
  }

  tell() {
    const { at, black, begun, label, scene } = this;
    const numbers = [...this.root.querySelectorAll(".st-number dd")].map((one) => one.textContent);
    const { shown = [], covered = false } = scene ?? {};
    this.channel.postMessage({ type: "state", chapter: at + 1, black, begun, label, covered, shown, numbers });
    this.remember();
  }
}
