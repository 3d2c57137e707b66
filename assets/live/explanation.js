// @ts-check
// A figure of the page that explains: it plays once when it is seen, and stops, goes on and is scrubbed by hand.
/** @import { Figure } from "./explanation_figures.js" */
import { FIGURES } from "./explanation_figures.js";
import { loadLanguage, translate, translateAll } from "./language.js";
import { learn } from "./words.js";

/** @import { Table } from "./words.js" */
/** @typedef {Table & { version: string, figure: string, title: string, lang?: string }} ExplanationData */

/** @type {Map<string, Promise<any>>} */
const files = new Map();

/**
 * A file of assets/recordings/, fetched once for all figures.
 * @param {ExplanationData} data
 * @param {string} name
 * @returns {Promise<any>}
 */
function read({ version }, name) {
  const url = `api/static/recordings/${name}.json?${version}`;
  const file = files.get(url) ?? fetch(url).then((answer) => answer.json());
  files.set(url, file);
  return file;
}

export class View {
  at = 0;
  /** @type {number | undefined} */
  clock;
  /** @type {Figure | null} */
  figure = null;
  begun = false;
  gone = false;

  /**
   * @param {HTMLElement} parent
   * @param {ExplanationData} data
   */
  constructor(parent, data) {
    learn(data);
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (parent.querySelector(`[data-gl=${name}]`));
    this.scene = find("scene");
    this.told = find("message");
    this.place = find("place");
    this.button = /** @type {HTMLButtonElement} */ (find("play"));
    this.scrub = /** @type {HTMLInputElement} */ (find("scrub"));
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.scene.setAttribute("aria-label", translate(data.title));
    translateAll(parent);
    this.button.addEventListener("click", () => (this.clock === undefined ? this.play() : this.pause()));
    this.scrub.addEventListener("input", () => {
      this.begun = true;
      this.pause();
      this.go(Number(this.scrub.value));
    });
    this.eye = new IntersectionObserver(([{ isIntersecting }]) => this.look(isIntersecting), { threshold: 0.6 });
    const { file, make } = FIGURES[data.figure];
    read(data, file).then((recorded) => { if (!this.gone) this.begin(make(this.scene, recorded)); }).catch((error) => {
      this.told.textContent = translate("The figure could not be loaded; reload the page.");
      console.error(error);
    });
  }

  /** @param {Figure} figure */
  begin(figure) {
    this.figure = figure;
    this.scrub.max = String(figure.steps - 1);
    this.scrub.disabled = this.button.disabled = false;
    this.go(0);
    this.eye.observe(this.scene);
  }

  /** Is called at every change of the theme, whose colours the figure takes. */
  update() {
    if (this.figure) this.go(this.at);
  }

  /**
   * Fetches the sentences of the page's language, before anything is said.
   * @param {ExplanationData} data
   */
  static prepare({ lang }) {
    return loadLanguage(lang ?? "en");
  }

  unmount() {
    this.gone = true;
    this.pause();
    this.eye.disconnect();
  }

  /** @param {boolean} seen */
  look(seen) {
    if (!seen) this.pause();
    else if (!this.begun && !this.still.matches) this.play();
  }

  play() {
    if (!this.figure) return;
    this.begun = true;
    if (this.at === this.figure.steps - 1) this.go(0);
    this.clock = setInterval(() => this.advance(), this.figure.pace);
    this.name();
  }

  advance() {
    if (!this.figure || this.at + 1 >= this.figure.steps) return this.pause();
    this.go(this.at + 1);
    if (this.at + 1 === this.figure.steps) this.pause();
  }

  pause() {
    clearInterval(this.clock);
    this.clock = undefined;
    this.name();
  }

  name() {
    const over = this.figure && this.at === this.figure.steps - 1;
    this.button.textContent = translate(this.clock !== undefined ? "Pause" : over ? "Play again" : "Play");
  }

  /** @param {number} at */
  go(at) {
    if (!this.figure) return;
    this.at = at;
    this.scrub.value = String(at);
    this.place.textContent = translate(`${at + 1} of ${this.figure.steps}`);
    this.told.textContent = translate(this.figure.draw(at));
    this.scrub.setAttribute("aria-valuetext", this.told.textContent);
    this.name();
  }
}
