// @ts-check
// A student's own runs: a preset to start, the wait in seconds, and what came of them.
import { keepLanguage, say, translate } from "../live/language.js";
import { describe } from "./followed.js";
import { askRoom, askServer, site } from "./line.js";
import { make, write } from "./make.js";

const GOING = new Set(["queued", "running", "paused"]);

export class Runs {
  /**
   * @param {any[]} presets
   * @param {Record<string, string>} words of statuses
   */
  constructor(presets, words) {
    this.words = words;
    this.presets = presets;
    this.said = make("p", { className: "ro-said", role: "status" });
    this.list = make("ul", { className: "ro-runs" });
    this.choice = make(
      "select",
      { id: "preset" },
      ...presets.map((preset, at) => make("option", { value: at }, say(preset.title))),
    );
    this.promise = make("p", { className: "ro-quiet" });
    this.fresh = make("input", { type: "checkbox", id: "fresh" });
    const run = make("button", { type: "button", className: "ro-main" }, say("Run it"));
    run.disabled = !presets.length;
    run.addEventListener("click", () => this.start(run));
    this.choice.addEventListener("change", () => this.promised());
    this.promised();
    this.element = make(
      "section",
      { className: "ro-my" },
      make("h2", {}, say("Attack a picture")),
      make("label", { htmlFor: "preset" }, say("Set-up")),
      this.choice,
      this.promise,
      make(
        "p",
        { className: "ro-line" },
        run,
        make(
          "label",
          { className: "ro-tick", title: say("Has it computed anew by other random numbers") },
          this.fresh,
          say("Fresh seed"),
        ),
      ),
      this.said,
      make("h2", {}, say("My runs")),
      this.list,
    );
    /** @type {Map<string, any>} */
    this.rows = new Map();
    /** @type {Map<string, string>} */
    this.pictures = new Map();
  }

  promised() {
    write(this.promise, say(this.presets[Number(this.choice.value)]?.promise ?? ""));
  }

  /** @param {HTMLButtonElement} press */
  async start(press) {
    press.disabled = true;
    const { experiment } = this.presets[Number(this.choice.value)];
    await this.attempt(() => askServer("runs", { experiment, fresh: this.fresh.checked }));
    press.disabled = false;
  }

  /** @param {() => Promise<any>} what */
  async attempt(what) {
    try {
      write(this.said, (await what())?.said ?? "");
    } catch (error) {
      write(this.said, /** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {any[]} runs mine, newest first
   * @param {string[]} shared the uploads of mine that the room may see
   */
  show(runs, shared) {
    for (const run of runs) {
      if (!this.rows.has(run.run)) this.rows.set(run.run, this.makeRow(run));
      this.writeRow(this.rows.get(run.run), run, shared);
    }
    const wanted = runs.map((run) => this.rows.get(run.run).element);
    if (
      wanted.some((element, at) => this.list.children[at] !== element) ||
      this.list.children.length !== wanted.length
    ) {
      this.list.replaceChildren(...wanted);
    }
  }

  /** @param {any[]} tiles of the wall, with the newest pictures */
  picture(tiles) {
    for (const { run, picture } of tiles) {
      const row = this.rows.get(run);
      if (row && picture) row.image.src = picture;
    }
  }

  /** @param {any} run */
  makeRow(run) {
    const row = {
      image: make("img", { className: "ro-thumb", alt: "" }),
      title: make("a", { className: "ro-title", href: keepLanguage(`./?run=${run.run}`) }, translate(run.title)),
      state: make("p", { className: "ro-quiet" }),
      numbers: make("p", { className: "ro-numbers" }),
      stop: make("button", { type: "button", className: "ro-button" }, say("Stop")),
      share: make("button", { type: "button", className: "ro-button" }),
      /** @type {any} */
      element: null,
      loaded: "",
    };
    row.stop.addEventListener("click", () => this.attempt(() => askServer(`runs/${run.run}/stop`, { leave: true })));
    row.element = make(
      "li",
      { className: "ro-run", data: { run: run.run } },
      row.image,
      make("div", {}, row.title, row.state, row.numbers),
      make("div", { className: "ro-acts" }, row.stop, row.share),
    );
    return row;
  }

  /**
   * @param {any} row
   * @param {any} run
   * @param {string[]} shared
   */
  writeRow(row, run, shared) {
    const going = GOING.has(run.status);
    const wait = run.status === "queued" && run.wait !== null;
    const word = say(this.words?.[run.status] ?? run.status);
    write(row.state, wait ? say("Waiting: its turn comes in about {seconds} s", { seconds: run.wait }) : word);
    write(row.numbers, run.iteration ? describe(run) : "");
    row.stop.disabled = !going;
    const share = run.images.length > 0;
    row.share.hidden = !share;
    if (share) {
      const open = run.images.every((/** @type {string} */ image) => shared.includes(image));
      write(row.share, open ? say("Hide from the room") : say("Show to the room"));
      row.share.onclick = () => {
        for (const image of run.images) this.attempt(() => askRoom("share", { image, shared: !open }));
      };
    }
    const loaded = going ? `going ${run.private ? run.iteration : ""}` : "ended";
    if (run.iteration && row.loaded !== loaded && (!going || run.private || !row.image.src)) {
      row.loaded = loaded;
      row.image.src = `${site}api/runs/${run.run}/thumbnail?${run.iteration}`;
    }
  }
}
