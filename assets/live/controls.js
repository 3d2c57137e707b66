// Buttons and keys. They only say what is wanted; the view decides what that means.
const TYPING = "input, textarea, select, [contenteditable=''], [contenteditable=true], [role=slider], [role=combobox], [role=listbox], [role=tab], [role=radio], [role=dialog]";
const PRESSABLE = "button, a, summary, [role=button], [role=checkbox], [role=switch]";

export class Controls {
  constructor(root, find, wanted, { keys, signal }) {
    Object.assign(this, { root, find, paces: [...root.querySelectorAll("[data-pace]")] });
    const press = (name, act) => find(name).addEventListener("click", act, { signal });
    press("run", wanted.run);
    press("pause", wanted.pause);
    press("step1", () => wanted.step(1));
    press("step10", () => wanted.step(10));
    press("stop", wanted.stop);
    press("change", wanted.change);
    press("follow", wanted.follow);
    find("scrubber").addEventListener("input", (event) => wanted.scrub(Number(event.target.value)), { signal });
    for (const button of this.paces) {
      button.addEventListener("click", () => wanted.pace(button.dataset.pace ? Number(button.dataset.pace) : null), { signal });
    }
    // A button pressed with the pointer lets go of the focus, or Space would press it again instead of pausing.
    root.addEventListener("click", (event) => event.detail > 0 && event.target.closest("button")?.blur(), { signal });
    // On the window and before the page: Streamlit has an R of its own.
    if (keys) window.addEventListener("keydown", (event) => this.key(event, wanted), { signal, capture: true });
  }

  key(event, wanted) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat && event.key === "r") return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at !== this.find("scrubber") && at.closest(TYPING)) return;
    const act = {
      " ": at.closest(PRESSABLE) ? null : wanted.pause, r: wanted.run, R: wanted.run,
      ArrowLeft: () => wanted.move(-1), ArrowRight: () => wanted.move(1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  /** What can be pressed now. */
  show({ live, status, ended, playing, refused, problem, armed, busy, following, frames }) {
    const active = live && !ended && ["running", "paused"].includes(status);
    const enable = (name, on) => { this.find(name).disabled = !on; };
    enable("run", armed && !refused && !busy);
    enable("pause", active || playing);
    enable("step1", active);
    enable("step10", active);
    enable("stop", live && !ended && ["queued", "running", "paused"].includes(status));
    enable("follow", !following && frames);
    enable("scrubber", frames);
    for (const button of this.paces) button.disabled = !active;
    text(this.find("run"), busy ? "Starting…" : live ? "Run again" : "Run it live");
    text(this.find("pause"), playing && ended ? "Play again" : status === "paused" ? "Resume" : "Pause");
    text(this.find("follow"), ended ? "Newest" : "Live");
    text(this.find("refused"), refused || problem || "");
  }

  pace(perSecond) {
    for (const button of this.paces) button.setAttribute("aria-pressed", button.dataset.pace === String(perSecond ?? ""));
  }
}

export function text(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
