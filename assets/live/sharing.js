// @ts-check
// A link by which others may watch a run or a race, on a server where everybody has their own. Its owner ends it here.
/** @import { Find } from "./types" */
import { text } from "./controls.js";
import { post } from "./source.js";

export class Sharing {
  /** @type {string | null} the API's address of what is on show, as far as it can be shared */
  address = null;
  /** @type {string | null} what others name it by, once there is a link */
  shared = null;

  /**
   * @param {Find} find
   * @param {"run" | "race"} what
   * @param {{ signal: AbortSignal, say: (sentence: string) => void }} view
   */
  constructor(find, what, { signal, say }) {
    this.find = find;
    this.what = what;
    this.say = say;
    find("share").addEventListener("click", () => this.toggle(), { signal });
  }

  /**
   * @param {string | null} address
   * @param {string | null} open how others name it where all is everybody's
   */
  show(address, open) {
    if (address !== this.address) Object.assign(this, { address, shared: null });
    const button = this.find("share");
    button.hidden = !address;
    text(button, this.shared ? "End this link" : "Share by a link");
    const [link, named] = [this.find("watch"), this.shared ?? open];
    link.hidden = !named;
    if (named) link.href = `./?${this.what}=${named}&watch=1`;
  }

  async toggle() {
    const { address, shared } = this;
    if (!address) return;
    try {
      const named = shared ? null : (await post(`${address}/link`, {})).id;
      if (shared) await fetch(`${address}/link`, { method: "DELETE" });
      if (address === this.address) this.shared = named;
      this.say(shared ? "The link is ended." : "Whoever has the watch-only link can see this, and change nothing.");
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
  }
}
