// @ts-check
// A student's page: what the host shows or asks, their own runs, and the wall.
import { keepLanguage, say } from "../live/language.js";
import { Followed } from "./followed.js";
import { Games, mergeGames } from "./games.js";
import { askRoom, site } from "./line.js";
import { make, write } from "./make.js";
import { Runs } from "./runs.js";
import { TileWall } from "./tile.js";

export class Student {
  /** @param {any} room */
  constructor(room) {
    this.games = new Games({ role: "member", post: askRoom, room: `${site}api/room` });
    this.followed = new Followed();
    this.runs = new Runs(room.presets ?? [], room.words);
    this.wall = new TileWall(room.words);
    this.held = make("p", { className: "ro-held" });
    this.wanted = make("div", { className: "ro-wanted", role: "alert" });
    const leave = make("button", { type: "button", className: "ro-button" }, say("Leave the room"));
    leave.addEventListener("click", () => askRoom("leave", {}));
    const lab = make(
      "p",
      { className: "ro-line" },
      make("a", { className: "ro-link", href: keepLanguage("./") }, say("Open the Lab")),
      leave,
    );
    /** @type {Record<string, HTMLElement>} */
    this.parts = {
      now: make("div", { role: "tabpanel" }, this.games.element, this.followed.element),
      runs: make("div", { role: "tabpanel" }, this.runs.element, lab),
      wall: make("div", { role: "tabpanel" }, this.wall.element),
    };
    /** @type {Record<string, HTMLElement>} */
    this.tabs = {};
    const names = { now: say("Now"), runs: say("My runs"), wall: say("Wall") };
    const bar = make("nav", { className: "ro-tabs", role: "tablist" });
    for (const [part, name] of Object.entries(names)) {
      const tab = make("button", { type: "button", role: "tab" }, name);
      tab.addEventListener("click", () => this.open(part));
      this.tabs[part] = tab;
      bar.append(tab);
    }
    this.element = make("div", { className: "ro-student" }, this.held, this.wanted, ...Object.values(this.parts), bar);
    this.asked = "";
    this.open("now");
  }

  /** @param {string} wanted */
  open(wanted) {
    for (const [part, element] of Object.entries(this.parts)) {
      element.hidden = part !== wanted;
      this.tabs[part].setAttribute("aria-selected", String(part === wanted));
    }
    this.wall.watch(wanted !== "now", (tiles) => this.runs.picture(tiles));
  }

  /**
   * @param {any} common
   * @param {any} own
   */
  show(common, own) {
    write(this.held, common.held ? say("Your host has paused all runs.") : "");
    const games = mergeGames(common, own);
    this.games.show({ ...games, members: common.members?.length ?? 0 });
    const asked = games.asked?.id ?? "";
    this.followed.element.dataset.beside = String(Boolean(asked || games.challenge));
    if (asked && asked !== this.asked) this.open("now");
    this.asked = asked;
    this.runs.show(own.runs ?? [], own.shared ?? []);
    this.ask(own.wanted ?? []);
  }

  /** @param {any} shown */
  follow(shown) {
    this.followed.show(shown);
  }

  /** @param {string[]} wanted the pictures of mine that the host would like to show */
  ask(wanted) {
    if (this.wanted.dataset.images === wanted.join()) return;
    this.wanted.dataset.images = wanted.join();
    this.wanted.replaceChildren(
      ...wanted.map((image) => {
        const answer = (/** @type {string} */ text, /** @type {boolean} */ shared) => {
          const button = make("button", { type: "button", className: shared ? "ro-main" : "ro-button" }, text);
          button.addEventListener("click", () => askRoom("share", { image, shared }));
          return button;
        };
        return make(
          "div",
          { className: "ro-ask" },
          make("p", {}, say("Your host would like to show your picture to the room. Everybody in it could see it.")),
          make("p", { className: "ro-line" }, answer(say("Show it"), true), answer(say("Keep it private"), false)),
        );
      }),
    );
  }
}
