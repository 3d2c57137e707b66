// @ts-check
// Buttons and keys. They only say what is wanted; the view decides what that means.
/** @import { Entry, Find, Wanted } from "./types" */
import { translate } from "./language.js";
import { buttons } from "./words.js";

const TYPING = [
  "input", "textarea", "select", "[contenteditable='']", "[contenteditable=true]",
  ...["slider", "combobox", "listbox", "tab", "radio", "dialog"].map((role) => `[role=${role}]`),
].join();
const PRESSABLE = "button, a, summary, [role=button], [role=checkbox], [role=switch]";

/**
 * What there is to press something for.
 * @typedef {object} State
 * @property {string} status
 * @property {boolean} live a run of the server is on show
 * @property {boolean} playing a recording is on show
 * @property {boolean} ended
 * @property {boolean} busy a run is being started
 * @property {boolean} armed there is a set-up to run
 * @property {string | null} refused why the set-up cannot be run
 * @property {string | null} problem why the last one did not start, or what was not understood
 * @property {string[]} fixes changes after which the set-up can be run
 * @property {boolean} following
 * @property {boolean} level the run waits at a plateau for an answer
 * @property {boolean} frames there are pictures to go to
 * @property {boolean} room who runs something has it together with all who run the same, unless the seed is fresh
 * @property {Entry | null} entry what has to be done before something can be run
 */

export class Controls {
  /**
   * @param {HTMLElement} root
   * @param {Find} find
   * @param {Wanted} wanted
   * @param {{ keys: boolean, signal: AbortSignal }} options `keys`: the keyboard works too
   */
  constructor(root, find, wanted, { keys, signal }) {
    this.find = find;
    this.wanted = wanted;
    /** @type {HTMLButtonElement[]} */
    this.paces = Array.from(root.querySelectorAll("button[data-pace]"));
    /** @type {(name: string, act: () => void) => void} */
    const press = (name, act) => find(name)?.addEventListener("click", act, { signal });
    press("run", wanted.run);
    press("pause", wanted.pause);
    press("step1", () => wanted.step(1));
    press("step10", () => wanted.step(10));
    press("stop", wanted.stop);
    press("change", wanted.change);
    press("stage", wanted.stage);
    press("follow", wanted.follow);
    find("entry").addEventListener("submit", (event) => {
      event.preventDefault();
      wanted.enter(find("pin").value.trim());
    }, { signal });
    const scrubber = find("scrubber");
    scrubber.addEventListener("input", () => wanted.scrub(Number(scrubber.value)), { signal });
    for (const button of this.paces) {
      const perSecond = button.dataset.pace ? Number(button.dataset.pace) : null;
      button.addEventListener("click", () => wanted.pace(perSecond), { signal });
    }
    root.addEventListener("click", letGo, { signal });
    // On the window and before the page: Streamlit has an R of its own.
    if (keys) window.addEventListener("keydown", (event) => this.key(event, wanted), { signal, capture: true });
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Wanted} wanted
   */
  key(event, wanted) {
    const held = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (held || event.repeat && ["r", "f"].includes(event.key)) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at !== this.find("scrubber") && at.closest(TYPING)) return;
    /** @type {Record<string, (() => void) | null>} */
    const acts = {
      " ": at.closest(PRESSABLE) ? null : wanted.pause,
      r: wanted.run,
      R: wanted.run,
      f: wanted.stage,
      F: wanted.stage,
      ArrowLeft: () => wanted.move(-1),
      ArrowRight: () => wanted.move(1),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  /**
   * What can be pressed now.
   * @param {State} state
   */
  show(state) {
    const { live, status, ended, playing, refused, problem, armed, busy, following, frames } = state;
    const active = live && !ended && ["running", "paused"].includes(status);
    /** @type {(name: "run" | "pause" | "step1" | "step10" | "stop" | "follow" | "scrubber", on: boolean) => void} */
    const enable = (name, on) => { this.find(name).disabled = !on; };
    enable("run", armed && !refused && !busy);
    enable("pause", active || playing);
    enable("step1", active);
    enable("step10", active);
    enable("stop", live && !ended && ["queued", "running", "paused"].includes(status));
    enable("follow", !following && frames);
    enable("scrubber", frames);
    for (const button of this.paces) button.disabled = !active;
    for (const [name, words] of Object.entries(buttons(state))) text(this.find(name), words);
    list(this.find("refused"), [refused, problem].filter(Boolean).join("\n"));
    this.offer(state.fixes);
    this.find("fresh-choice").hidden = !state.room || Boolean(state.entry);
    this.admit(state.entry);
  }

  /**
   * Shows in the place of Run what has to be done first.
   * @param {Entry | null} entry
   */
  admit(entry) {
    this.find("run").hidden = Boolean(entry);
    this.find("entry").hidden = !entry;
    if (!entry) return;
    text(this.find("entry-says"), entry.says);
    text(this.find("enter"), entry.act);
    this.find("pin").hidden = !entry.typed;
    this.find("enter").hidden = !entry.act;
  }

  /** Whether the next run gets a seed of its own. */
  get fresh() {
    return !this.find("fresh-choice").hidden && this.find("fresh").checked;
  }

  /** @param {string[]} fixes */
  offer(fixes) {
    const box = this.find("fixes");
    const offered = fixes.join("\n");
    if (box.dataset.offered === offered) return;
    box.dataset.offered = offered;
    box.replaceChildren(...fixes.map((title) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "gl-button" });
      button.textContent = translate(title);
      button.addEventListener("click", () => this.wanted.fix(title));
      return button;
    }));
  }

  /** @param {number | null} perSecond */
  pace(perSecond) {
    for (const button of this.paces) {
      button.setAttribute("aria-pressed", String(button.dataset.pace === String(perSecond ?? "")));
    }
  }
}

/**
 * A button pressed with the pointer lets go of the focus, or Space would press it again instead of pausing.
 * @param {MouseEvent} event
 */
function letGo(event) {
  if (event.detail > 0 && event.target instanceof Element) event.target.closest("button")?.blur();
}

/**
 * Shows sentences, each in a line of its own, as a list if there are several.
 * @param {HTMLElement} node
 * @param {string} sentences
 */
function list(node, sentences) {
  if (node.dataset.said === sentences) return;
  node.dataset.said = sentences;
  const lines = sentences.split("\n").filter(Boolean);
  if (lines.length < 2) {
    node.textContent = translate(sentences);
    return;
  }
  const items = lines.map((line) => Object.assign(document.createElement("li"), { textContent: translate(line) }));
  const whole = document.createElement("ul");
  whole.append(...items);
  node.replaceChildren(whole);
}

/**
 * @param {Element} node
 * @param {string} words
 */
export function text(node, words) {
  const said = translate(words);
  if (node.textContent !== said) node.textContent = said;
}

/**
 * Has a node say something to those who point at it, or who do not see it.
 * @param {Element} node
 * @param {"title" | "aria-label" | "aria-valuetext"} name
 * @param {string} words
 */
export function describe(node, name, words) {
  const said = translate(words);
  if (node.getAttribute(name) !== said) node.setAttribute(name, said);
}
