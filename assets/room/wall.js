// @ts-check
// The entry of the wall: the pinned run and what is asked in large, and everybody's live thumbnails.
import { keepLanguage, loadLanguage, say } from "../live/language.js";
import { Followed, describe } from "./followed.js";
import { Games, mergeGames } from "./games.js";
import { Line, askRoom, site } from "./line.js";
import { make, write } from "./make.js";
import { TileWall, nameTile } from "./tile.js";

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

class Wall {
  /** @param {any} room */
  constructor(room) {
    const pin = room.role === "host" ? (/** @type {string} */ run) => askRoom("pin", { run }) : undefined;
    this.wall = new TileWall(room.words, pin);
    this.games = new Games({ role: "wall", post: askRoom, room: `${site}api/room` });
    this.picture = make("img", { className: "ro-picture", alt: say("The attacker's guess") });
    this.title = make("h2");
    this.numbers = make("p", { className: "ro-numbers" });
    const away = make("button", { type: "button", className: "ro-button" }, say("Unpin"));
    away.addEventListener("click", () => askRoom("pin", { run: null }));
    this.pinned = make(
      "figure",
      { className: "wa-pinned" },
      this.picture,
      make("figcaption", {}, this.title, this.numbers, pin ? away : null),
    );
    this.followed = new Followed(false);
    this.stage = make("div", { className: "wa-stage" }, this.games.element, this.pinned);
    this.code = make("img", { className: "wa-code", alt: say("Code to join"), src: `${site}api/room/qr.svg` });
    this.held = make("p", { className: "ro-held" });
    const parts = [this.held, this.stage, this.followed.element, this.wall.element];
    this.element = make("div", { className: "wa-all" }, ...parts);
    this.wall.watch(true, () => this.writePinned());
    /** @type {string | null} */
    this.run = null;
  }

  /**
   * @param {any} common
   * @param {any} own
   */
  show(common, own) {
    const games = mergeGames(common, own);
    this.games.show({ ...games, members: common.members?.length ?? 0 });
    this.run = common.pinned;
    this.asked = Boolean(games.asked);
    this.asks = Boolean(games.asked || games.challenge);
    const plays = Boolean(games.asked?.played?.length);
    this.followed.element.hidden = !plays;
    this.wall.element.hidden = plays;
    write(this.held, common.held ? say("Your host has paused all runs.") : "");
    this.writePinned();
    const people = say("{count} in the room", { count: common.members?.length ?? 0 });
    const door = own.pin ? [`${own.address}room`, say("PIN {pin}", { pin: own.pin })] : [];
    write(find("door"), common.open ? [people, ...door].join(" · ") : say("The room is closed; nobody can join."));
    if (own.pin && !this.code.isConnected) find("door").after(this.code);
    this.code.hidden = !common.open;
  }

  writePinned() {
    const tile = this.run && this.wall.tiles.get(this.run);
    this.pinned.hidden = !tile || this.asked;
    this.stage.hidden = !tile && !this.asks;
    if (!tile) return;
    this.picture.hidden = !tile.picture;
    if (tile.picture && this.picture.src !== tile.picture) this.picture.src = tile.picture;
    write(this.title, nameTile(tile));
    write(this.numbers, describe(tile));
  }
}

async function begin() {
  await loadLanguage();
  const state = find("state");
  try {
    const room = await askRoom("");
    if (room.role === "guest") {
      const join = say("Join the room first, with its PIN and a nickname.");
      const link = make("a", { className: "ro-link", href: keepLanguage("./room") }, join);
      find("wall").replaceChildren(make("p", {}, link));
      return;
    }
    const wall = new Wall(room);
    find("wall").replaceChildren(wall.element);
    let common = room,
      own = room;
    const show = () => {
      write(find("title"), common.title || say("The wall"));
      wall.show(common, own);
    };
    show();
    new Line(
      "live",
      (message) => {
        if (message.shown !== undefined) wall.followed.show(message.shown);
        if (message.common) common = { ...common, ...message.common };
        if (message.own) own = message.own;
        if (message.common || message.own) show();
      },
      (connected) => write(state, connected ? "" : say("Reconnecting…")),
      () => location.reload(),
    );
  } catch (error) {
    const { status, message } = /** @type {any} */ (error);
    write(state, status ? message : say("Reconnecting…"));
    if (status !== 404) setTimeout(begin, 2000);
  }
}

begin();
