// @ts-check
// The games on a page of the room: what is being asked, and the challenge that goes on.
/** @import { Post } from "./asking.js" */
import { keepLanguage } from "../live/language.js";
import { Asking } from "./asking.js";
import { Challenge } from "./challenge.js";
import { make, sendOrSay, write } from "./make.js";
import { Naming } from "./naming.js";
import { Poll } from "./poll.js";

export class Games {
  /**
   * @param {{ role: "member" | "host" | "wall", post: Post, presets?: any[], room: string }} how
   *   `post` sends to an address below `room`, that of the room's part of the API
   */
  constructor({ role, post, presets = [], room }) {
    this.role = role;
    this.post = post;
    this.room = room;
    this.asked = make("div", { className: "game-asked", aria: { live: "polite" } });
    this.challenge = make("div", { className: "game-challenge" });
    this.refused = make("p", { className: "game-refused", role: "alert" });
    this.asking = role === "host" ? new Asking(post, presets, `${room}/results.csv`) : null;
    const className = `games games-${role}`;
    this.element = make("div", { className }, this.asked, this.refused, this.asking?.element, this.challenge);
    /** @type {Map<string, any>} the parts on show, by the id of their game */
    this.parts = new Map();
  }

  /** @param {{ asked: any, challenge: any, members: number }} games as the server tells them to this page */
  show({ asked, challenge, members }) {
    this.put(this.asked, asked, () => this.made(asked));
    const lab = challenge && this.role === "member" ? labAddress(challenge.query) : "";
    this.put(this.challenge, challenge, () => new Challenge(challenge, lab));
    if (asked) this.parts.get(asked.id)?.show(asked, members);
    if (challenge) this.parts.get(challenge.id)?.show(challenge);
    this.asking?.show({ asked, challenge });
  }

  /**
   * Puts the part of a game into its place, and keeps the one that is there already.
   * @param {HTMLElement} place
   * @param {any} game
   * @param {() => any} build
   */
  put(place, game, build) {
    const id = game?.id ?? "";
    if (place.dataset.id === id) return;
    this.parts.delete(place.dataset.id ?? "");
    place.dataset.id = id;
    write(this.refused, "");
    if (game) this.parts.set(id, build());
    place.replaceChildren(...(game ? [this.parts.get(id).element] : []));
  }

  /** @param {any} asked */
  made(asked) {
    const plays = this.role === "member";
    if (asked.game === "naming") {
      const truth = `${this.room}/naming/truth?id=${asked.id}`;
      return new Naming(plays, (text) => this.send("answer", { naming: asked.id, text }), truth);
    }
    return new Poll(asked, plays, (option) => this.send("vote", { poll: asked.id, option }));
  }

  /**
   * @param {string} path
   * @param {any} body
   */
  send(path, body) {
    return sendOrSay(this.post, path, body, this.refused);
  }
}

/**
 * What one page shows of the games: what everybody sees, and laid over it what this person alone sees. The two come one
 * after the other, so that what is this person's may still be of the game before.
 * @param {any} common
 * @param {any} own
 */
export function mergeGames(common, own) {
  const merge = (/** @type {string} */ name) => {
    const game = common[name];
    return game && { mine: null, ...game, ...(own?.[name]?.id === game.id ? own[name] : {}) };
  };
  return { asked: merge("asked"), challenge: merge("challenge") };
}

/**
 * The address of a set-up in the Lab, which is the page that lies beside those of the room.
 * @param {Record<string, string | string[]>} query
 */
function labAddress(query) {
  const asked = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) for (const value of [values].flat()) asked.append(name, value);
  return keepLanguage(`./?${asked}`);
}
