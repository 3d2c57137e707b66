// @ts-check
// Who is in the room, for the host: their nicknames, which the host can change, and a way to turn somebody out.
import { say } from "../live/language.js";
import { askRoom } from "./line.js";
import { make, write } from "./make.js";

export class Members {
  /** @param {(what: () => Promise<any>) => Promise<void>} attempt */
  constructor(attempt) {
    this.attempt = attempt;
    this.count = make("h2");
    this.list = make("ul", { className: "ro-members" });
    this.element = make("section", {}, this.count, this.list);
    this.told = "";
  }

  /** @param {any[]} members */
  show(members) {
    const told = JSON.stringify(members);
    if (told === this.told) return;
    this.told = told;
    write(this.count, say("In the room: {count}", { count: members.length }));
    this.list.replaceChildren(...members.map((member) => this.row(member)));
  }

  /** @param {any} member */
  row(member) {
    const act = (/** @type {string} */ text, /** @type {() => object | null} */ body) => {
      const button = make("button", { type: "button", className: "ro-small" }, text);
      button.addEventListener("click", () => {
        const sent = body();
        if (sent) this.attempt(() => askRoom(`members/${member.id}`, sent));
      });
      return button;
    };
    const rename = act(say("Rename"), () => {
      const name = prompt(say("Another nickname for {name}", { name: member.name }), member.name);
      return name ? { name } : null;
    });
    const remove = act(say("Remove"), () =>
      confirm(say("Remove {name} from the room?", { name: member.name })) ? { remove: true } : null,
    );
    const here = make("span", {
      className: "ro-dot",
      data: { here: member.here },
      title: member.here ? say("Here") : say("Away"),
    });
    return make("li", {}, here, make("span", { className: "ro-name" }, member.name), rename, remove);
  }
}
