// @ts-check
// Name that picture: the guess forms, the private picture is covered, and everybody types what they see.
import { say, translate } from "../live/language.js";
import { make, write } from "./make.js";

export class Naming {
  /**
   * @param {boolean} answers whether one may answer here
   * @param {(text: string) => void} answer
   * @param {string} truth the address of the private picture, which the server gives after the reveal
   */
  constructor(answers, answer, truth) {
    this.truth = truth;
    this.guess = make("img", { className: "game-picture", alt: say("What the attacker has so far"), hidden: true });
    this.waiting = make("span", { className: "game-cover" }, "…");
    this.iteration = make("figcaption", {}, say("It begins in a moment."));
    this.cover = make("span", { className: "game-cover" }, "?");
    this.own = make("figcaption", {}, say("The private picture"));
    this.answer = make("p", { className: "game-outcome" });
    this.note = make("p", { className: "game-note" });
    this.facts = make("ul", { className: "game-facts" });
    this.said = make("ul", { className: "game-said" });
    this.form = answers ? answerForm(answer) : null;
    this.element = make(
      "section",
      { className: "game", data: { game: "naming" } },
      make("h2", {}, say("Name that picture")),
      make(
        "div",
        { className: "game-pictures" },
        make("figure", {}, make("div", { className: "game-frame" }, this.guess, this.waiting), this.iteration),
        make("figure", {}, make("div", { className: "game-frame" }, this.cover), this.own),
      ),
      this.form,
      this.answer,
      this.facts,
      this.said,
      this.note,
    );
  }

  /**
   * @param {any} naming
   * @param {number} members
   */
  show(naming, members) {
    this.element.dataset.state = naming.state;
    const shown = naming.shown;
    if (shown && this.guess.dataset.at !== String(shown.iteration)) {
      this.guess.dataset.at = String(shown.iteration);
      Object.assign(this.guess, { src: shown.picture, hidden: false });
      this.waiting.hidden = true;
      write(this.iteration, say("Iteration {iteration}", { iteration: shown.iteration }));
    }
    const revealed = naming.state === "revealed";
    if (this.form) this.form.hidden = revealed;
    if (naming.failed) {
      write(this.iteration, say("Nothing came of this run; wait for another."));
    } else if (!revealed) {
      write(this.answer, this.form && naming.mine ? say("You said: {answer}", { answer: naming.mine }) : "");
      write(this.note, say("{answered} of {members} have said what they see.", { answered: naming.answered, members }));
    } else {
      if (!this.cover.hidden) this.reveal(naming);
      write(this.note, this.form ? ownEnd(naming) : "");
    }
  }

  /** @param {any} naming */
  reveal(naming) {
    this.cover.hidden = true;
    const picture = make("img", { className: "game-picture", alt: say("The private picture"), src: this.truth });
    this.cover.after(picture);
    write(this.answer, say("It is: {answer}", { answer: translate(naming.answer) }));
    const lines = [say("{right} of {of} were right.", { right: naming.right, of: naming.of }), ...moments(naming)];
    this.facts.replaceChildren(...lines.map((line) => make("li", {}, line)));
    this.said.replaceChildren(...naming.said.map(answerRow));
  }
}

/**
 * What a phone says of its own answer once the picture is known.
 * @param {any} naming
 */
function ownEnd({ mine, correct }) {
  if (mine === null || correct === undefined) return "";
  return correct ? say("You were right: {answer}.", { answer: mine }) : say("You said {answer}.", { answer: mine });
}

/** @param {{ text: string, count: number, right: boolean }} row */
function answerRow({ text, count, right }) {
  return make("li", { data: { right } }, `${right ? "✓ " : ""}${text} · ${count}`);
}

/**
 * When the first and the half of the room were right.
 * @param {any} naming
 * @returns {string[]}
 */
function moments({ first, half }) {
  if (!first) return [];
  const lines = [say("First right after {seconds} s (iteration {iteration}), at SSIM {ssim}.", numbers(first))];
  if (half) {
    lines.push(say("Half of the room right after {seconds} s (iteration {iteration}), at SSIM {ssim}.", numbers(half)));
  } else {
    lines.push(say("Less than half of the room was right."));
  }
  return lines;
}

/** @param {{ seconds: number, iteration: number, ssim: number | null }} moment */
function numbers({ seconds, iteration, ssim }) {
  const shown = ssim === null ? "–" : (Math.round(100 * ssim) / 100 || 0).toFixed(2); // zero has no sign
  return { seconds: seconds.toFixed(1), iteration, ssim: shown };
}

/** @param {(text: string) => void} answer */
function answerForm(answer) {
  const field = make("input", {
    name: "answer", maxLength: 40, autocomplete: "off", enterKeyHint: "send", placeholder: say("What do you see?"),
    aria: { label: say("What do you see?") },
  });
  const send = make("button", { type: "submit", className: "game-main" }, say("Send"));
  const form = make("form", { className: "game-answer" }, field, send);
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text) answer(text);
    field.select();
  });
  return form;
}
