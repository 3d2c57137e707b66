// @ts-check
// The speaker's window: notes, the next chapter, the clock, controls, and what the audience sees.
/** @import { Act } from "./keys.js" */
/** @import { Programme } from "./programme.js" */
/** @import { Shown } from "./scenes.js" */
import { text } from "../live/controls.js";
import { say } from "../live/language.js";
import { wanted } from "./keys.js";
import { subject } from "./programme.js";
import { element } from "./scenes.js";
import { followSystem, switchTheme } from "./theme.js";

const EVERY_MS = 1000;
/** Milliseconds without an answer after which the audience's window is taken for closed. */
const CLOSED_MS = 3500;

/**
 * What the audience's window says of itself.
 * @typedef {object} State
 * @property {"state"} type
 * @property {number} chapter from 1
 * @property {boolean} black
 * @property {number} begun when the first chapter was started, in milliseconds; 0 before
 * @property {string} label
 * @property {boolean} covered
 * @property {Shown[]} shown
 * @property {string[]} numbers
 */

export class Speaker {
  at = 0;
  /** when the talk began, in milliseconds */
  begun = Number(sessionStorage.getItem("begun")) || 0;
  heard = -Infinity;
  /** @type {State | null} */
  state = null;

  /**
   * @param {HTMLElement} root
   * @param {string} site
   * @param {Programme} programme
   * @param {URLSearchParams} query
   */
  constructor(root, site, programme, query) {
    this.root = root;
    this.site = site;
    this.programme = programme;
    this.query = query;
    this.at = Math.min(programme.chapters.length, Math.max(1, Number(query.get("chapter")) || 1)) - 1;
    this.find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-st=${name}]`));
    followSystem(() => undefined);
    this.channel = new BroadcastChannel(`gradleak-stage?${subject(query)}`);
    this.channel.onmessage = ({ data }) => data.type === "state" && this.hear(data);
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("button[data-act]"))) {
      button.addEventListener("click", () => this.do(/** @type {Act} */ (button.dataset.act)));
    }
    this.find("open").addEventListener("click", () => this.openStage());
    this.find("reset").addEventListener("click", () => this.begin(Date.now()));
    addEventListener("keydown", (event) => this.press(event));
    setInterval(() => this.tick(), EVERY_MS);
    this.tick();
    this.show();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const act = wanted(event);
    if (!act || event.target instanceof HTMLButtonElement && event.key === " ") return;
    event.preventDefault();
    this.do(act);
  }

  /** @param {Act} act */
  do(act) {
    if (act === "theme") switchTheme();
    else if (act === "back") window.close();
    else if (this.present && !["speaker", "full"].includes(act)) this.channel.postMessage({ type: "act", act });
    else this.walk({ next: 1, previous: -1 }[/** @type {string} */ (act)] ?? 0);
  }

  /**
   * Without an audience the notes can be read all the same.
   * @param {number} by
   */
  walk(by) {
    this.at = Math.min(this.programme.chapters.length - 1, Math.max(0, this.at + by));
    this.show();
  }

  /** The audience's window answers. */
  get present() {
    return performance.now() - this.heard < CLOSED_MS;
  }

  openStage() {
    const query = subject(this.query);
    query.set("chapter", String(this.at + 1));
    open(`${location.pathname}?${query}`, "gradleak-stage");
  }

  /** @param {number} at milliseconds */
  begin(at) {
    this.begun = at;
    sessionStorage.setItem("begun", String(at));
    this.tick();
  }

  /** @param {State} state */
  hear(state) {
    this.heard = performance.now();
    this.state = state;
    this.at = state.chapter - 1;
    if (state.begun && !this.begun) this.begin(state.begun);
    this.show();
  }

  tick() {
    this.channel.postMessage({ type: "hello" });
    text(this.find("clock"), new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    const elapsed = this.begun ? Math.floor((Date.now() - this.begun) / 1000) : 0;
    const { minutes } = this.programme;
    const clock = `${Math.floor(elapsed / 60)}:${String(elapsed % 60).padStart(2, "0")}`;
    text(this.find("elapsed"), minutes ? say("{elapsed} of {minutes} min", { elapsed: clock, minutes }) : clock);
    const { present } = this;
    this.find("open").hidden = present;
    text(this.find("absent"), present ? "" : say("The audience's window is not open."));
  }

  show() {
    const { programme: { chapters, room }, at, state } = this;
    const [chapter, next] = [chapters[at], chapters[at + 1]];
    this.root.dataset.chapter = String(at + 1);
    text(this.find("place"), say("Chapter {at} of {all}", { at: at + 1, all: chapters.length }));
    text(this.find("title"), chapter?.title ?? "");
    text(this.find("notes"), chapter?.notes ?? "");
    text(this.find("next"), next ? next.title : say("This is the last chapter."));
    for (const node of this.root.querySelectorAll("[data-st=code], [data-act=code]")) {
      /** @type {HTMLElement} */ (node).hidden = !room;
    }
    if (room) this.code();
    if (!state) return;
    const said = [state.label, state.covered && say("covered"), state.black && say("black")];
    text(this.find("state"), said.filter(Boolean).join(" · "));
    text(this.find("numbers"), state.numbers.join(" · "));
    this.mirror(state);
  }

  code() {
    const image = /** @type {HTMLImageElement} */ (this.find("qr"));
    if (!image.src) image.src = `${this.site}api/room/qr.svg`;
  }

  /** @param {State} state */
  mirror({ shown, covered, black }) {
    const box = this.find("mirror");
    box.classList.toggle("st-dark", black);
    while (box.children.length > shown.length) box.lastElementChild?.remove();
    while (box.children.length < shown.length) {
      const figure = element("figure", "", box);
      element("img", "", figure);
      element("figcaption", "", figure);
    }
    shown.forEach(({ caption, source }, at) => {
      const [image, name] = box.children[at].children;
      const seen = /** @type {HTMLImageElement} */ (image);
      if (source && seen.src !== source) seen.src = source;
      seen.hidden = !source;
      seen.alt = caption;
      text(name, at === 0 && covered ? `${caption}, ${say("covered")}` : caption);
    });
  }
}
