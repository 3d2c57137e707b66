// @ts-check
// What the host shows: the guess of each lane beside the private picture, read-only.
import { keepLanguage, say, translate } from "../live/language.js";
import { site } from "./line.js";
import { make, write } from "./make.js";

export class Followed {
  /** @param {boolean} mayLetGo */
  constructor(mayLetGo = true) {
    const title = mayLetGo ? say("Your host shows") : say("The phones see");
    const none = mayLetGo
      ? say("Your host shows nothing at the moment. Under My runs you can attack a picture yourself.")
      : say("Nothing yet; choose a run.");
    this.free = false;
    /** @type {any} */
    this.shown = null;
    this.lanes = make("div", { className: "ro-lanes" });
    this.none = make("p", { className: "ro-quiet" }, none);
    this.toggle = make("button", { type: "button", className: "ro-button" });
    this.look = make("a", { className: "ro-link", hidden: true, target: "_blank" }, say("Look at it by yourself"));
    this.toggle.addEventListener("click", () => {
      this.free = !this.free;
      this.show(this.latest);
    });
    const line = make("p", { className: "ro-line" }, ...(mayLetGo ? [this.toggle, this.look] : []));
    this.element = make("section", { className: "ro-followed" }, make("h2", {}, title), this.none, this.lanes, line);
    this.latest = null;
    this.show(null);
  }

  /** @param {any} shown what the host shows now; null for nothing */
  show(shown) {
    this.latest = shown;
    if (!shown) this.free = false;
    if (!this.free) this.shown = shown;
    const lanes = this.shown?.lanes ?? [];
    this.none.hidden = lanes.length > 0;
    this.toggle.hidden = this.look.hidden = lanes.length === 0;
    this.look.hidden ||= !this.free;
    write(this.toggle, this.free ? say("Follow again") : say("Let go"));
    if (lanes.length) this.look.href = keepLanguage(`./?run=${lanes[0].run}&watch=1`);
    const wanted = lanes.map((/** @type {any} */ lane) => lane.run).join();
    if (this.lanes.dataset.runs !== wanted) {
      this.lanes.dataset.runs = wanted;
      this.lanes.replaceChildren(...lanes.map(makeLane));
    }
    lanes.forEach((/** @type {any} */ lane, /** @type {number} */ at) => writeLane(this.lanes.children[at], lane));
  }
}

/** @param {any} lane */
function makeLane(lane) {
  const truth = make("img", { className: "ro-picture", alt: say("The private picture"), data: { part: "truth" } });
  truth.addEventListener("error", () =>
    setTimeout(() => (truth.src = `${site}api/runs/${lane.run}/truth?again=${Date.now()}`), 2000),
  );
  const guess = make("img", { className: "ro-picture", alt: say("The attacker's guess"), data: { part: "guess" } });
  return make(
    "figure",
    { className: "ro-lane" },
    make("figcaption", { className: "ro-name" }, translate(lane.title)),
    make(
      "div",
      { className: "ro-pair" },
      make("div", {}, truth, make("small", {}, say("Private picture"))),
      make("div", {}, guess, make("small", {}, say("The attacker's guess"))),
    ),
    make("p", { className: "ro-numbers", data: { part: "numbers" } }),
  );
}

/**
 * @param {Element} element
 * @param {any} lane
 */
function writeLane(element, lane) {
  const guess = /** @type {HTMLImageElement} */ (element.querySelector("[data-part=guess]"));
  if (lane.picture && guess.src !== lane.picture) guess.src = lane.picture;
  const truth = /** @type {HTMLImageElement} */ (element.querySelector("[data-part=truth]"));
  if (lane.picture && !truth.src) truth.src = `${site}api/runs/${lane.run}/truth`; // it is there before the first guess
  write(/** @type {HTMLElement} */ (element.querySelector("[data-part=numbers]")), describe(lane));
}

/**
 * How a run stands, in a line.
 * @param {any} run
 */
export function describe(run) {
  const parts = [];
  if (run.iteration)
    parts.push(say("Iteration {iteration} of {steps}", { iteration: run.iteration, steps: run.steps ?? "?" }));
  if (run.word) parts.push(say(run.word) + (run.likeness === null ? "" : ` (${run.likeness.toFixed(2)})`));
  return parts.join(" · ") || say("Not started yet");
}
