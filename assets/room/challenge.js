// @ts-check
// A challenge to the room: what is asked for, with which set-up, and who has done best by the server's own numbers.
import { say, translate } from "../live/language.js";
import { make, write } from "./make.js";

export class Challenge {
  /**
   * @param {any} challenge as the server tells it
   * @param {string} lab the address of its set-up in the Lab; empty on a page that nobody plays at
   */
  constructor(challenge, lab) {
    this.plays = Boolean(lab);
    this.begin = lab ? make("a", { className: "game-main", href: lab }, say("Begin with this set-up")) : null;
    this.state = make("p", { className: "game-note" });
    this.ranking = make("ol", { className: "game-ranking" });
    this.element = make(
      "section",
      { className: "game", data: { game: "challenge" } },
      make("h2", {}, say(challenge.title)),
      make("p", { className: "game-about" }, translate(challenge.about)),
      make("p", { className: "game-rule" }, say(RULES[challenge.kind] ?? "")),
      this.begin,
      this.ranking,
      this.state,
    );
  }

  /** @param {any} challenge */
  show(challenge) {
    const wanted = JSON.stringify([challenge.ranking, challenge.mine]);
    if (this.ranking.dataset.shown !== wanted) {
      this.ranking.dataset.shown = wanted;
      const { ranking } = challenge;
      const mine = this.plays ? challenge.mine : null;
      const at = ranking.findIndex((/** @type {any} */ line) => line.name === mine?.name && line.run === mine?.run);
      const lines = ranking.map((/** @type {any} */ line, /** @type {number} */ place) => rankLine(line, place === at));
      this.ranking.replaceChildren(...lines, ...(mine && at < 0 ? [rankLine(mine, true)] : []));
    }
    const { players, ended } = challenge;
    if (this.begin) this.begin.hidden = ended;
    if (ended) write(this.state, say("This challenge is over."));
    else if (players) write(this.state, say("The best run of each person counts."));
    else write(this.state, say("Nobody has a run that counts yet."));
  }
}

/** @type {Record<string, string>} */
const RULES = {
  picture: "Change the attack only. An attacker who is told the label does not count.",
  defence: "Change the defence only. It holds if the picture is never recognisable; it costs accuracy.",
};

/**
 * @param {any} line
 * @param {boolean} mine
 */
function rankLine({ place, name, score, unit }, mine) {
  const number = score.toFixed(1);
  const shown = unit === "dB" ? `${number} dB` : say("{points} points of accuracy", { points: number });
  return make(
    "li",
    { data: { mine } },
    make("span", { className: "game-place" }, `${place}.`),
    make("span", { className: "game-name" }, name),
    make("span", { className: "game-score" }, shown),
  );
}
