// @ts-check
// The menu of files that an ended run or race can be taken home as. The server makes one when it is asked for.
/** @import { Find } from "./types" */
import { translate } from "./language.js";
import { NO_ANSWER, making } from "./words.js";

export class Downloads {
  /** @type {string | null} the address of the files without their ending; null while there is none */
  address = null;
  busy = false;

  /**
   * @param {Find} find
   * @param {AbortSignal} signal
   * @param {(sentence: string) => void} say
   * @param {string[][]} files the ending, the name and a note of each
   */
  constructor(find, signal, say, files) {
    this.button = find("download");
    this.menu = find("exports");
    this.signal = signal;
    this.say = say;
    this.menu.replaceChildren(...files.map(([ending, name, about]) => this.entry(ending, name, about)));
    this.button.addEventListener("click", () => this.open(this.menu.hidden), { signal });
    document.addEventListener("pointerdown", (event) => this.leave(event.composedPath()[0]), { signal });
    this.menu.parentElement?.addEventListener("keydown", (event) => this.key(event), { signal });
  }

  /**
   * @param {string} ending
   * @param {string} name
   * @param {string} about
   */
  entry(ending, name, about) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "gl-entry-button" });
    const note = Object.assign(document.createElement("span"), { textContent: translate(about) });
    button.append(translate(name), note);
    button.dataset.kind = ending;
    button.addEventListener("click", () => this.take(ending, name), { signal: this.signal });
    return button;
  }

  /**
   * Says which run or race can be taken home.
   * @param {string | null} address
   */
  offer(address) {
    if (address !== this.address) this.open(false);
    this.address = address;
    this.button.disabled = !address || this.busy;
  }

  /** @param {boolean} on */
  open(on) {
    this.menu.hidden = !on;
    this.button.setAttribute("aria-expanded", String(on));
  }

  /** @param {EventTarget} at */
  leave(at) {
    if (!(at instanceof Node && this.menu.parentElement?.contains(at))) this.open(false);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== "Escape" || this.menu.hidden) return;
    event.stopPropagation();
    this.open(false);
    this.button.focus();
  }

  /**
   * Has the server make a file and hands it to the browser. What is being made, and why not, stands in the status line.
   * @param {string} ending
   * @param {string} name
   */
  async take(ending, name) {
    const { address } = this;
    if (!address || this.busy) return;
    this.open(false);
    this.busy = this.button.disabled = true;
    this.say(making(name));
    try {
      const answer = await fetch(`${address}.${ending}`, { signal: this.signal });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? NO_ANSWER);
      const [all, id] = address.split("/").slice(-3);
      keep(await answer.blob(), `gradleak-${all === "races" ? "race-" : ""}${id}.${ending}`);
      this.say("");
    } catch (error) {
      this.say(error instanceof TypeError ? NO_ANSWER : /** @type {Error} */ (error).message);
    }
    this.busy = false;
    this.button.disabled = !this.address;
  }
}

/**
 * @param {Blob} file
 * @param {string} name
 */
function keep(file, name) {
  const href = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}
