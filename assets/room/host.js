// @ts-check
// The host's page: who is here, what the room is asked, its runs, and what everybody may do.
import { keepLanguage, say } from "../live/language.js";
import { Closing } from "./closing.js";
import { Followed } from "./followed.js";
import { Games, mergeGames } from "./games.js";
import { Leading } from "./leading.js";
import { askRoom, site } from "./line.js";
import { make, write } from "./make.js";
import { Members } from "./members.js";
import { Rules } from "./rules.js";

export class Host {
  /** @param {any} room */
  constructor(room) {
    this.said = make("p", { className: "ro-refused", role: "alert" });
    const attempt = async (/** @type {() => Promise<any>} */ what) => {
      try {
        await what();
        write(this.said, "");
      } catch (error) {
        write(this.said, /** @type {Error} */ (error).message);
      }
    };
    this.games = new Games({ role: "host", post: askRoom, presets: room.presets ?? [], room: `${site}api/room` });
    this.members = new Members(attempt);
    this.followed = new Followed(false);
    this.leading = new Leading(attempt, room.words, this.followed.element);
    this.rules = new Rules(attempt);
    this.closing = new Closing(attempt);
    this.hold = make("button", { type: "button", className: "ro-main" });
    this.hold.addEventListener("click", () => attempt(() => askRoom("hold", { held: !this.held })));
    this.held = this.asks = false;
    this.element = make(
      "div",
      { className: "ro-host" },
      make("div", { className: "ro-side" }, this.door(), this.members.element),
      make(
        "div",
        { className: "ro-main-side" },
        make(
          "p",
          { className: "ro-line" },
          this.hold,
          make("a", { className: "ro-link", href: keepLanguage("./wall"), target: "_blank" }, say("Open the wall")),
          make("a", { className: "ro-link", href: keepLanguage("./"), target: "_blank" }, say("Open the Lab")),
        ),
        this.said,
        this.games.element,
        this.leading.element,
        this.rules.element,
        this.closing.element,
      ),
    );
  }

  /** The address, the PIN and the code by which phones join, small and, on a press, as large as the window. */
  door() {
    this.address = make("p", { className: "ro-address" });
    this.pin = make("p", { className: "ro-pin" });
    const code = () => make("img", { className: "ro-code", alt: say("Code to join"), src: `${site}api/room/qr.svg` });
    const large = make("dialog", { className: "ro-large" });
    const words = make("p", { className: "ro-pin" });
    const address = make("p", { className: "ro-address" });
    large.append(code(), address, words, make("p", { className: "ro-quiet" }, say("Press anywhere to close.")));
    large.addEventListener("click", () => large.close());
    const press = make("button", { type: "button", className: "ro-button" }, say("Show it large"));
    press.addEventListener("click", () => {
      write(words, this.pin.textContent);
      write(address, this.address.textContent);
      large.showModal();
    });
    this.shut = make("p", { className: "ro-shut" }, say("The room is closed; nobody can join."));
    this.inside = make("div", { className: "ro-door" });
    const camera =
      location.protocol === "https:"
        ? ""
        : say("Phones have to be in the same Wi-Fi. Photos in the page need https: use --certfile and --keyfile.");
    this.inside.append(code(), this.address, this.pin, press, make("p", { className: "ro-quiet" }, camera), large);
    return make("section", { className: "ro-door" }, make("h2", {}, say("How to join")), this.shut, this.inside);
  }

  /**
   * @param {any} common
   * @param {any} own
   */
  show(common, own) {
    this.held = common.held;
    write(this.hold, common.held ? say("Let all runs go on") : say("Pause all runs"));
    this.shut.hidden = common.open;
    this.inside.hidden = !common.open;
    write(this.address, `${own.address}room`);
    write(this.pin, say("PIN {pin}", { pin: own.pin }));
    this.members.show(common.members ?? []);
    this.games.show({ ...mergeGames(common, own), members: common.members?.length ?? 0 });
    const asks = (own.runs ?? []).some((/** @type {any} */ run) => run.asked);
    if (this.asks && !asks) write(this.said, "");
    this.asks = asks;
    this.leading.show(own.runs ?? [], common);
    this.rules.show(common);
    this.closing.show(common);
  }

  /** @param {any} shown */
  follow(shown) {
    this.followed.show(shown);
  }
}
