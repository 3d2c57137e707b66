// @ts-check
// The room's runs, for the host: one is shown to all phones, at a moment or live, or pinned to the wall.
import { keepLanguage, say, translate } from "../live/language.js";
import { describe } from "./followed.js";
import { askRoom, askServer } from "./line.js";
import { make, write } from "./make.js";

const GOING = new Set(["queued", "running", "paused"]);
const APART_MS = 250;

export class Leading {
  /**
   * @param {(what: () => Promise<any>) => Promise<void>} attempt
   * @param {Record<string, string>} words of statuses
   * @param {HTMLElement} followed what the phones see, below its controls
   */
  constructor(attempt, words, followed) {
    this.attempt = attempt;
    this.words = words ?? {};
    this.list = make("ul", { className: "ro-all-runs" });
    this.none = make(
      "p",
      { className: "ro-quiet" },
      say("Nobody in the room has a run yet. Start one in the Lab, or let the room do it."),
    );
    this.scrub = make("input", {
      type: "range",
      min: 0,
      id: "scrub",
      aria: { label: say("Moment that the phones see") },
    });
    this.live = make("button", { type: "button", className: "ro-button" }, say("Live"));
    this.end = make("button", { type: "button", className: "ro-button" }, say("Let the phones go"));
    this.at = make("output", { className: "ro-numbers" });
    this.bar = make(
      "div",
      { className: "ro-scrub" },
      make("strong", {}, say("All phones follow")),
      this.scrub,
      this.at,
      this.live,
      this.end,
    );
    this.scrub.addEventListener("input", () => this.move(Number(this.scrub.value)));
    this.live.addEventListener("click", () => this.follow(this.run, null));
    this.end.addEventListener("click", () => this.follow(null, null));
    const heading = make("h2", {}, say("Runs of the room"));
    this.element = make("section", { className: "ro-leading" }, this.bar, followed, heading, this.none, this.list);
    /** @type {Map<string, any>} */
    this.rows = new Map();
    this.run = "";
    /** @type {number | null} */
    this.timer = null;
  }

  /**
   * @param {string | null} run
   * @param {number | null} at
   */
  follow(run, at) {
    return this.attempt(() => askRoom("follow", { run, at }));
  }

  /** @param {number} at the iteration that the scrubber is at; it is told a few times a second */
  move(at) {
    write(this.at, say("Iteration {iteration}", { iteration: at }));
    this.wanted = at;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.follow(this.run, this.wanted ?? null);
    }, APART_MS);
  }

  /**
   * @param {any[]} runs of everybody, newest first
   * @param {any} common
   */
  show(runs, common) {
    this.none.hidden = runs.length > 0;
    this.showFollowing(runs, common.following);
    for (const run of runs) {
      if (!this.rows.has(run.run)) this.rows.set(run.run, this.row(run));
      this.write(this.rows.get(run.run), run, common);
    }
    const wanted = runs.map((run) => this.rows.get(run.run).element);
    if (
      wanted.length !== this.list.children.length ||
      wanted.some((element, at) => this.list.children[at] !== element)
    ) {
      this.list.replaceChildren(...wanted);
    }
  }

  /**
   * @param {any[]} runs
   * @param {any} following
   */
  showFollowing(runs, following) {
    const run = following && runs.find(({ run, race }) => run === following.run || race === following.run);
    this.run = following?.run ?? "";
    for (const control of [this.scrub, this.live, this.end]) control.disabled = !following;
    if (!run) {
      write(this.at, say("nothing"));
      return;
    }
    this.scrub.max = String(run.iteration || 1);
    if (document.activeElement !== this.scrub || following.at === null) {
      this.scrub.value = String(following.at ?? run.iteration);
      write(this.at, following.at === null ? say("live") : say("Iteration {iteration}", { iteration: following.at }));
    }
  }

  /** @param {any} run */
  row(run) {
    const button = (/** @type {string} */ text, /** @type {() => any} */ act) => {
      const made = make("button", { type: "button", className: "ro-small" }, text);
      made.addEventListener("click", act);
      return made;
    };
    const row = {
      by: make("strong", { className: "ro-name" }),
      state: make("span", { className: "ro-quiet" }),
      follow: button(say("Show on phones"), () => this.follow(run.race ?? run.run, null)),
      pin: button(say("Pin to the wall"), () =>
        this.attempt(() => askRoom("pin", { run: row.pinned ? null : run.run })),
      ),
      stop: button(say("Stop"), () => this.attempt(() => askServer(`runs/${run.run}/stop`, {}))),
      remove: button(say("Delete"), () => {
        if (confirm(say("Delete this run for everybody?")))
          this.attempt(() => askServer(`runs/${run.run}`, undefined, "DELETE"));
      }),
      pinned: false,
      /** @type {any} */
      element: null,
    };
    const there = { className: "ro-title", href: keepLanguage(`./?run=${run.run}`), target: "_blank" };
    const title = make("a", there, translate(run.title));
    row.element = make(
      "li",
      { data: { run: run.run } },
      make("div", {}, row.by, " ", title, row.state),
      make("div", { className: "ro-acts" }, row.follow, row.pin, row.stop, row.remove),
    );
    return row;
  }

  /**
   * @param {any} row
   * @param {any} run
   * @param {any} common
   */
  write(row, run, common) {
    write(row.by, run.by || say("Host"));
    const kept = run.private ? `${say(keptWords(run))} · ` : "";
    const wait =
      run.status === "queued" && run.wait !== null ? ` (${say("in about {seconds} s", { seconds: run.wait })})` : "";
    write(
      row.state,
      `${kept}${say(this.words[run.status] ?? run.status)}${wait}${run.iteration ? ` · ${describe(run)}` : ""}`,
    );
    row.pinned = common.pinned === run.run;
    row.element.dataset.followed = String([run.run, run.race].includes(common.following?.run ?? ""));
    write(row.pin, row.pinned ? say("Unpin") : say("Pin to the wall"));
    row.stop.disabled = !GOING.has(run.status);
    row.remove.disabled = GOING.has(run.status);
  }
}

/**
 * What a run of a private picture is said to be.
 * @param {any} run
 */
function keptWords({ asked, declined }) {
  if (asked) return "private picture, its owner is asked";
  return declined ? "private picture, its owner keeps it private" : "private picture, not shown to the room";
}
