// @ts-check
// A challenge to the room: what is asked for, with which set-up, and who has done best by the server's own numbers.
import { say } from "../live/language.js";
import { make, write } from "./make.js";

export class Challenge {
  /**
   * @param {any} challenge as the server tells it
   * @param {string} lab the address of its set-up in the Lab; empty where there is nothing to press
   */
  constructor(challenge, lab) {
    this.state = make("p", { className: "game-note" });
    this.ranking = make("ol", { className: "game-ranking" });
    this.element = make(
      "section",
      { className: "game", data: { game: "challenge" } },
      make("h2", {}, say(challenge.title)),
      make("p", { className: "game-about" }, challenge.about),
      make("p", { className: "game-rule" }, say(RULES[challenge.kind] ?? "")),
      lab ? make("a", { className: "game-main", href: lab }, say("Begin with this set-up")) : null,
      this.ranking,
      this.state,
    );
  }

  /** @param {any} challenge */
  show(challenge) {
    const wanted = JSON.stringify([challenge.ranking, challenge.mine]);
    if (this.ranking.dataset.shown !== wanted) {
      this.ranking.dataset.shown = wanted;
      const own = challenge.mine && !challenge.ranking.some((/** @type {any} */ line) => line.mine) ? [challenge.mine] : [];
      this.ranking.replaceChildren(...[...challenge.ranking, ...own].map(rankLine));
    }
    const { players, ended } = challenge;
    if (ended) write(this.state, say("This challenge is over."));
    else write(this.state, players ? say("Keep trying: your best run counts.") : say("Nobody has a run that counts yet."));
  }
}

/** @type {Record<string, string>} */
const RULES = {
  picture: "Change the attack, not the picture, the network or the defence. An attacker who is told the label does not count.",
  defence: "Change the defence only. It holds if the picture is never recognisable. It costs the accuracy that training loses.",
};

/** @param {any} line */
function rankLine({ place, name, score, unit, mine }) {
  const shown = unit === "dB" ? `${score.toFixed(1)} dB` : say("{points} points of accuracy", { points: score.toFixed(1) });
  return make(
    "li",
    { data: { mine } },
    make("span", { className: "game-place" }, `${place}.`),
    make("span", { className: "game-name" }, name),
    make("span", { className: "game-score" }, shown),
  );
}
