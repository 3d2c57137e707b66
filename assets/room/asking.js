// @ts-check
// What the host does with the games: asks, closes, reveals, goes on; and takes the results home.
import { say } from "../live/language.js";
import { make, sendOrSay, write } from "./make.js";

/** @typedef {(path: string, body?: any) => Promise<any>} Post sends to the games; throws an error with a sentence */

/** @type {Record<string, string>} what the host can ask, as a list names it */
const KINDS = {
  leaks: "Leaks or stays hidden?",
  seconds: "After how many seconds?",
  hides: "Which of these hides it best?",
  first: "Which is recognisable first?",
  own: "A question of your own",
};
const COMPARES = ["hides", "first"];
/** @type {Record<string, string>} */
const CHALLENGES = {
  picture: "Best picture without being told the label",
  defence: "Cheapest defence that holds",
};

export class Asking {
  /**
   * @param {Post} post
   * @param {any[]} presets the set-ups to choose from, as the catalogue has them
   * @param {string} results the address of the CSV
   */
  constructor(post, presets, results) {
    this.post = post;
    this.presets = presets;
    this.shown = "";
    this.refused = make("p", { className: "game-refused", role: "alert" });
    this.steps = make("div", { className: "game-steps" });
    this.forms = make("div", { className: "game-forms" }, this.pollForm(), this.namingForm(), this.challengeForm());
    this.element = make(
      "section",
      { className: "game-host" },
      this.steps,
      this.refused,
      this.forms,
      make("a", { href: results, download: "", className: "game-link" }, say("Results as CSV")),
    );
  }

  /** @param {any} games as the server tells them */
  show({ asked, challenge }) {
    const now = JSON.stringify([asked?.id, asked?.state, challenge?.id, challenge?.ended]);
    if (now === this.shown) return;
    this.shown = now;
    write(this.refused, "");
    this.steps.replaceChildren(...this.stepsOf(asked), ...this.stepsOfChallenge(challenge));
    this.forms.hidden = Boolean(asked) && asked.state !== "revealed";
  }

  /** @param {any} asked */
  stepsOf(asked) {
    if (!asked) return [];
    const kind = asked.game;
    const steps = [];
    if (asked.state === "open") {
      const close = asked.plays ? say("Close the vote and run") : say("Close the vote");
      steps.push(this.button(close, "poll/close", {}, true));
    }
    if (asked.state === "closed") steps.push(this.button(say("Reveal"), "poll/reveal", {}, true));
    if (asked.state === "closed" && asked.plays && asked.kind !== "own") {
      steps.push(this.button(say("Reveal without an outcome"), "poll/reveal", { outcome: false }));
    }
    if (asked.state === "forming") steps.push(this.button(say("Reveal"), "naming/reveal", {}, true));
    if (asked.state === "revealed") steps.push(this.button(say("Next"), `${kind}/next`, {}, true));
    else steps.push(this.button(say("Drop"), `${kind}/next`));
    return steps;
  }

  /** @param {any} challenge */
  stepsOfChallenge(challenge) {
    if (!challenge || challenge.ended) return [];
    return [this.button(say("End the challenge"), "challenge/end")];
  }

  /**
   * @param {string} text
   * @param {string} path
   * @param {any} [body]
   * @param {boolean} [main]
   */
  button(text, path, body = {}, main = false) {
    const onclick = () => this.send(path, body);
    return make("button", { type: "button", className: main ? "game-main" : "game-button", onclick }, text);
  }

  /**
   * @param {string} path
   * @param {any} body
   */
  send(path, body) {
    return sendOrSay(this.post, path, body, this.refused);
  }

  pollForm() {
    const kind = choice("kind", Object.entries(KINDS).map(([value, text]) => [value, say(text)]));
    const { preset, address, rows } = this.setup();
    const bounds = make("input", { name: "bounds", value: "1, 2, 5, 10", inputMode: "decimal" });
    const question = make("input", { name: "question", maxLength: 200 });
    const hint = say("One answer a line; begin the right one with *");
    const options = make("textarea", { name: "options", rows: 4, placeholder: hint });
    const own = [field(say("Question"), question), field(say("Answers"), options)];
    const spans = field(say("Seconds between the answers"), bounds);
    const changed = () => {
      for (const row of rows) row.hidden = kind.value === "own";
      for (const row of own) row.hidden = kind.value !== "own";
      spans.hidden = kind.value !== "seconds";
      this.offer(preset, COMPARES.includes(kind.value));
    };
    kind.addEventListener("change", changed);
    changed();
    const fields = [field(say("Ask"), kind), ...rows, spans, ...own];
    return this.form(say("Predict, vote, reveal"), fields, say("Ask the room"), () => {
      const asked = kind.value;
      if (asked === "own") {
        return this.send("poll", { kind: asked, question: question.value, ...readOptions(options.value) });
      }
      const rest = asked === "seconds" ? { bounds: bounds.value.split(/[,;\s]+/).filter(Boolean).map(Number) } : {};
      return this.send("poll", { kind: asked, ...chosen(preset, address), ...rest });
    });
  }

  namingForm() {
    const { preset, address, rows } = this.setup();
    const words = make("input", { name: "words", placeholder: say("cat, tabby") });
    const seconds = make("input", { name: "seconds", type: "number", min: 10, max: 300, value: "40" });
    const fields = [...rows, field(say("Also right"), words), field(say("Seconds until it has formed"), seconds)];
    return this.form(say("Name that picture"), fields, say("Let it form"), () => {
      const accepted = words.value.split(",").map((/** @type {string} */ word) => word.trim()).filter(Boolean);
      return this.send("naming", { ...chosen(preset, address), words: accepted, seconds: Number(seconds.value) });
    });
  }

  challengeForm() {
    const kind = choice("kind", Object.entries(CHALLENGES).map(([value, text]) => [value, say(text)]));
    const { preset, address, rows } = this.setup();
    return this.form(say("Challenge"), [field(say("Ask for"), kind), ...rows], say("Challenge the room"), () =>
      this.send("challenge", { kind: kind.value, ...chosen(preset, address) }),
    );
  }

  /** The fields of a set-up: a preset, or the address of one in the Lab. */
  setup() {
    const preset = choice("preset", []);
    const address = make("input", { name: "setup", placeholder: say("the address of a set-up in the Lab") });
    this.offer(preset, false);
    return { preset, address, rows: [field(say("Set-up"), preset), field(say("Or"), address)] };
  }

  /**
   * @param {any} list
   * @param {boolean} races whether only set-ups that can be compared are offered
   */
  offer(list, races) {
    const before = list.value;
    const offered = this.presets.filter((preset) => !races || preset.against?.length);
    list.replaceChildren(...offered.map(({ name, title }) => make("option", { value: name }, say(title))));
    if (offered.some(({ name }) => name === before)) list.value = before;
  }

  /**
   * @param {string} title
   * @param {HTMLElement[]} fields
   * @param {string} go
   * @param {() => Promise<void>} send
   */
  form(title, fields, go, send) {
    const form = make("form", {}, ...fields, make("button", { type: "submit", className: "game-main" }, go));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      send();
    });
    return make("details", { name: "games" }, make("summary", {}, title), form);
  }
}

/**
 * @param {string} name
 * @param {string[][]} rows value and text of each
 */
function choice(name, rows) {
  return make("select", { name }, ...rows.map(([value, text]) => make("option", { value }, text)));
}

/**
 * @param {string} label
 * @param {HTMLElement} input
 * @returns {any}
 */
function field(label, input) {
  return make("label", { className: "game-field" }, make("span", {}, label), input);
}

/**
 * The set-up that is chosen: the address if there is one.
 * @param {any} preset
 * @param {any} address
 */
function chosen(preset, address) {
  return address.value.trim() ? { setup: address.value.trim() } : { preset: preset.value };
}

/**
 * The answers that a host has typed, one a line, the right one behind an asterisk.
 * @param {string} text
 */
export function readOptions(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const right = lines.findIndex((line) => line.startsWith("*"));
  const options = lines.map((line) => line.replace(/^\*\s*/, ""));
  return right < 0 ? { options } : { options, right };
}
