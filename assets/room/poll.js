// @ts-check
// A question to the room: big buttons on a phone, and after the reveal the votes beside what came out.
import { say, translate } from "../live/language.js";
import { make, write } from "./make.js";

/** @typedef {{ text: string, values: Record<string, unknown> }} Phrase */

/** @param {Phrase} phrase */
export const told = ({ text, values }) => {
  const own = Object.entries(values).map(([name, value]) => [name, translate(String(value))]);
  return own.length ? say(text, Object.fromEntries(own)) : translate(text);
};

export class Poll {
  /**
   * @param {any} poll as the server tells it
   * @param {boolean} votes whether one may vote here
   * @param {(option: number) => void} vote
   */
  constructor(poll, votes, vote) {
    this.votes = votes;
    const words = poll.kind === "own" ? (/** @type {Phrase} */ { text }) => text : told;
    /** @type {{ row: any, own: any, mark: any, count: any, bar: any }[]} */
    this.options = poll.options.map((/** @type {Phrase} */ option, /** @type {number} */ at) => {
      const mark = make("span", { className: "game-mark" });
      const count = make("span", { className: "game-count" });
      const bar = make("span", { className: "game-bar" });
      const own = make("small", { className: "game-own", hidden: true }, say("your vote"));
      const text = make("span", { className: "game-words" }, words(option), own);
      const row = make(votes ? "button" : "div", { className: "game-option" }, bar, mark, text, count);
      if (votes) Object.assign(row, { type: "button", onclick: () => vote(at) });
      return { row, own, mark, count, bar };
    });
    this.outcome = make("p", { className: "game-outcome" });
    this.note = make("p", { className: "game-note" });
    this.element = make(
      "section",
      { className: "game", data: { game: "poll", kind: poll.kind } },
      make("h2", {}, words(poll.question)),
      make("p", { className: "game-about" }, translate(poll.about)),
      make("ol", { className: "game-options" }, ...this.options.map(({ row }) => make("li", {}, row))),
      this.outcome,
      this.note,
    );
  }

  /**
   * @param {any} poll
   * @param {number} members
   */
  show(poll, members) {
    this.element.dataset.state = poll.state;
    const revealed = poll.state === "revealed";
    this.options.forEach((one, at) => {
      const mine = this.votes && poll.mine === at;
      const right = revealed && Boolean(poll.right?.includes(at));
      const share = revealed && poll.voted ? poll.counts[at] / poll.voted : 0;
      if (this.votes) {
        one.row.disabled = poll.state !== "open";
        one.row.setAttribute("aria-pressed", String(mine));
      }
      one.own.hidden = !mine;
      one.row.dataset.mine = String(mine);
      one.row.dataset.right = String(right);
      one.bar.style.width = `${(100 * share).toFixed(1)}%`;
      write(one.mark, right ? "✓" : mine ? "●" : "");
      write(one.count, revealed ? `${poll.counts[at]} · ${Math.round(100 * share)} %` : "");
    });
    write(this.outcome, poll.outcome ? told(poll.outcome) : "");
    write(this.note, this.votes ? ownNote(poll, members) : note(poll, members));
  }
}

/**
 * What a phone says below its buttons.
 * @param {any} poll
 * @param {number} members
 */
function ownNote(poll, members) {
  if (poll.state === "open") {
    if (poll.mine === null) return say("Press your answer. You can change it until the vote is closed.");
    return say("Your vote counts. You can change it until the vote is closed.");
  }
  if (poll.state === "closed" && poll.played.length) return say("The vote is closed. Now it runs.");
  if (poll.state === "closed") return say("The vote is closed.");
  if (!poll.right || poll.mine === null) return note(poll, members);
  return poll.right.includes(poll.mine) ? say("You were right.") : say("You were not right.");
}

/**
 * How many have voted.
 * @param {any} poll
 * @param {number} members
 */
function note(poll, members) {
  return say("{voted} of {members} have voted.", { voted: poll.voted, members });
}
