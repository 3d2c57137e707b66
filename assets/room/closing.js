// @ts-check
// The end of a room: its runs and uploads are deleted, or kept for those whose they are.
import { say } from "../live/language.js";
import { askRoom } from "./line.js";
import { make, write } from "./make.js";

export class Closing {
  /** @param {(what: () => Promise<any>) => Promise<void>} attempt */
  constructor(attempt) {
    const button = (/** @type {string} */ text, /** @type {boolean} */ keep) => {
      const made = make("button", { type: "button", className: "ro-button" }, text);
      made.addEventListener("click", () => {
        const asked = keep
          ? say("Close the room and keep its runs and uploads for those whose they are?")
          : say("Close the room and delete all its runs and uploads?");
        if (confirm(asked)) attempt(() => askRoom("close", { keep }));
      });
      return made;
    };
    this.open = make("button", { type: "button", className: "ro-main" }, say("Open the room again"));
    this.open.addEventListener("click", () => attempt(() => askRoom("open", {})));
    this.ways = make(
      "p",
      { className: "ro-line" },
      button(say("Close and delete everything"), false),
      button(say("Close and keep the runs"), true),
    );
    this.state = make("p", { className: "ro-quiet" });
    this.element = make(
      "details",
      { className: "ro-rules" },
      make("summary", {}, say("Close the room")),
      this.state,
      this.ways,
      this.open,
    );
  }

  /** @param {any} common */
  show({ open }) {
    write(
      this.state,
      open
        ? say("Everybody leaves the room. Save the results before: closing forgets votes and names.")
        : say("The room is closed; nobody can join."),
    );
    this.ways.hidden = !open;
    this.open.hidden = open;
  }
}
