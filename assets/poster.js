// @ts-check
// Takes the poster of a first visit away as soon as the Lab beneath it moves. Run it live, pressed on the poster, is
// pressed in the Lab.
const EVERY_MS = 50;
const MOST_MS = 20000;
const poster = document.getElementById("gl-poster");
const button = poster?.querySelector("button");
let pressed = false;

/** @returns {HTMLButtonElement | null} the Lab's own button, when it can be pressed */
const run = () => document.querySelector(".gl-view [data-gl=run]:enabled");

/** Whether the Lab has drawn a picture, or there is something else to see than the Lab. */
const ready = () => Boolean(run() && document.querySelector(".gl-view[data-pictures]"));

button?.addEventListener("click", () => {
  pressed = true;
  button.textContent = "Starting…";
});

const timer = setInterval(() => {
  if (!(pressed ? run() : ready()) && performance.now() < MOST_MS) return;
  clearInterval(timer);
  if (pressed) run()?.click();
  poster?.remove();
}, EVERY_MS);
export {}; // a module, though nobody imports it
