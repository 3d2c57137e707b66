// @ts-check
// What the members' Lab shows: the host hides or locks its parts for all of them.
import { say } from "../live/language.js";
import { askRoom } from "./line.js";
import { make, write } from "./make.js";

/** The parts of the Lab by their names in an address. */
const partTitles = () => ({
  picture: say("Picture"),
  model: say("Model"),
  update: say("Update"),
  defence: say("Defence"),
  wire: say("On the wire"),
  attacker: say("Attacker"),
  presets: say("Presets"),
  race: say("Race"),
  downloads: say("Downloads"),
  charts: say("Charts"),
  tiles: say("Gradient tiles"),
  scores: say("Scores"),
  truth: say("Private picture"),
});

export class Rules {
  /** @param {(what: () => Promise<any>) => Promise<void>} attempt */
  constructor(attempt) {
    this.attempt = attempt;
    /** @type {Record<string, HTMLSelectElement>} */
    this.choices = {};
    const fields = Object.entries(partTitles()).map(([name, title]) => {
      const options = { shown: say("Shown"), locked: say("Locked"), hidden: say("Hidden") };
      const offered = Object.entries(options).filter(([value]) => value !== "locked" || name !== "truth");
      const choice = make(
        "select",
        { id: `rule-${name}` },
        ...offered.map(([value, text]) => make("option", { value }, text)),
      );
      choice.addEventListener("change", () => this.send());
      this.choices[name] = choice;
      return make("label", { className: "ro-rule" }, make("span", {}, title), choice);
    });
    this.title = make("input", { id: "room-title", maxLength: 60, placeholder: say("The room") });
    this.title.addEventListener("change", () => attempt(() => askRoom("settings", { title: this.title.value })));
    this.more = { hidden: /** @type {string[]} */ ([]), locked: /** @type {string[]} */ ([]) };
    this.element = make(
      "details",
      { className: "ro-rules" },
      make("summary", {}, say("What everybody's Lab shows")),
      make(
        "p",
        { className: "ro-quiet" },
        say("Hidden parts are not there, locked ones cannot be changed. Your own Lab keeps everything."),
      ),
      make("div", { className: "ro-rule-grid" }, ...fields),
      make("label", { className: "ro-rule" }, make("span", {}, say("Title of the room")), this.title),
    );
  }

  send() {
    const chosen = (/** @type {string} */ wanted) =>
      Object.entries(this.choices)
        .filter(([, { value }]) => value === wanted)
        .map(([name]) => name);
    const hidden = [...chosen("hidden"), ...this.more.hidden],
      locked = [...chosen("locked"), ...this.more.locked];
    return this.attempt(() => askRoom("settings", { hidden, locked }));
  }

  /** @param {any} common */
  show({ hidden, locked, title }) {
    for (const [name, choice] of Object.entries(this.choices)) {
      choice.value = hidden?.includes(name) ? "hidden" : locked?.includes(name) ? "locked" : "shown";
    }
    const other = (/** @type {string[]} */ names) => (names ?? []).filter((name) => !(name in this.choices));
    this.more = { hidden: other(hidden), locked: other(locked) };
    if (document.activeElement !== this.title && this.title.value !== title) this.title.value = title ?? "";
  }
}
