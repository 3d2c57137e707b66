// @ts-check
// What the view of a run and the view of a race have in common: an element with its controls.
/** @import { Component, Find, Given, RaceComponent, Wanted } from "./types" */
import { Controls } from "./controls.js";
import { catchDrop } from "./drop.js";
import { loadLanguage, translate, translateAll } from "./language.js";
import { offerSkip } from "./skip.js";
import { LOCKED, learn } from "./words.js";

export class Mounted {
  /** what to say instead of what a run says */
  note = "";
  /** why the last run did not start, or what was dropped was not taken */
  problem = "";
  /** @type {Component | RaceComponent | null} */
  component = null;
  /** a run is being started */
  busy = false;
  gone = false;
  /** @type {string[]} what a link that teaches hides */
  withheld = [];
  abort = new AbortController();

  /**
   * @param {HTMLElement} parent
   * @param {Given} data
   * @param {boolean} armed there is something to run
   */
  constructor(parent, data, armed) {
    learn(data);
    this.root = /** @type {HTMLElement} */ (parent.querySelector(".gl-view"));
    translateAll(this.root);
    this.root.classList.toggle("gl-compact", data.compact);
    this.api = new URL("api", document.baseURI).href;
    this.find = /** @type {Find} */ ((/** @type {string} */ name) => this.root.querySelector(`[data-gl=${name}]`));
    const options = { keys: !data.compact, signal: this.abort.signal };
    this.controls = new Controls(this.root, this.find, this.wanted, options);
    this.teach(data);
    if (!armed) return;
    catchDrop(this.api, this.root, this);
    this.skip = offerSkip(this.find("run"), translate("Skip to Run"));
  }

  unmount() {
    this.abort.abort();
    this.skip?.remove();
    this.gone = true;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.note = sentence;
    this.redraw();
  }

  /** @param {string} sentence why what was wanted was not done */
  complain(sentence) {
    this.problem = sentence;
    this.say("");
  }

  /** @param {string} answer what the server says of a file that was dropped, as JSON */
  takeDropped(answer) {
    this.complain("");
    this.component?.setTriggerValue("dropped", answer);
  }

  /** @param {string} pin what was typed to be let in */
  enter(pin) {
    this.problem = "";
    this.component?.setTriggerValue("pin", pin);
  }

  /**
   * Whether a link that teaches keeps something back.
   * @param {string} name
   */
  hides(name) {
    return this.withheld.includes(name);
  }

  /**
   * Hides and locks what a link that teaches says. What is locked stays legible; its title says why.
   * @param {Given} data
   */
  teach({ hidden = [], locked = [] }) {
    this.withheld = hidden;
    for (const name of ["charts", "tiles", "scores", "truth", "downloads", "presets"]) {
      this.root.classList.toggle(`gl-no-${name}`, hidden.includes(name));
    }
    /** @type {[string, string][]} */
    const places = [["charts", ".gl-charts"], ["tiles", ".gl-update"], ["downloads", ".gl-downloads"]];
    for (const [name, place] of places) {
      const shut = locked.includes(name) && !hidden.includes(name);
      /** @type {HTMLElement | null} */
      const part = this.root.querySelector(place);
      if (!part) continue;
      part.classList.toggle("gl-locked", shut);
      for (const child of part.children) child.toggleAttribute("inert", shut);
      part.title = shut ? translate(LOCKED) : "";
    }
  }

  /**
   * Has the page open the form of a link that teaches, which can start at the moment on show.
   * @param {number | null} at
   */
  shareForTeaching(at) {
    this.component?.setTriggerValue("teach", String(at ?? ""));
  }

  /**
   * Fetches the sentences of the page's language, before anything is said.
   * @param {Given} data
   */
  static prepare({ lang }) {
    return loadLanguage(lang ?? "en");
  }

  /** Has the words and the pictures drawn anew. */
  redraw() {}

  /**
   * What is done when something is pressed.
   * @abstract
   * @returns {Wanted}
   */
  get wanted() {
    throw new Error("A view says what its controls do.");
  }
}
