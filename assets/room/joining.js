// @ts-check
// The form with which somebody joins: the room's PIN and a nickname.
import { say } from "../live/language.js";
import { askRoom } from "./line.js";
import { make, write } from "./make.js";

const NICKNAME = 20;

export class Joining {
  /** @param {() => void} joined */
  constructor(joined) {
    const pin = new URLSearchParams(location.search).get("pin") ?? "";
    this.pin = make("input", {
      id: "pin",
      inputMode: "numeric",
      autocomplete: "off",
      required: true,
      value: pin,
      maxLength: 12,
    });
    this.name = make("input", { id: "nickname", autocomplete: "nickname", required: true, maxLength: NICKNAME });
    this.said = make("p", { className: "ro-refused", role: "alert" });
    this.press = make("button", { className: "ro-main", type: "submit" }, say("Join"));
    this.element = make(
      "form",
      { className: "ro-join" },
      make("label", { htmlFor: "pin" }, say("PIN")),
      this.pin,
      make("label", { htmlFor: "nickname" }, say("Nickname")),
      this.name,
      this.press,
      this.said,
      make(
        "p",
        { className: "ro-quiet" },
        say("Your nickname is shown to everybody in the room. There is no account; this browser remembers you."),
      ),
    );
    this.element.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      this.press.disabled = true;
      try {
        await askRoom("join", { pin: this.pin.value.trim(), nickname: this.name.value });
        joined();
      } catch (error) {
        write(this.said, /** @type {Error} */ (error).message);
      }
      this.press.disabled = false;
    });
  }

  /**
   * @param {any} room
   * @param {string} said why somebody who was in the room has to join again
   */
  show({ open }, said) {
    write(this.said, open ? said : say("The room is closed; ask your host to open it."));
    this.press.disabled = !open;
  }
}
