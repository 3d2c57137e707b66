// @ts-check
// The way from the Lab to the stage: its window, and what it is told of a run that is started here.
const STAGE = "gradleak-stage";

/** The name of this tab, by which its stage knows it. */
function tab() {
  const name = sessionStorage.getItem("tab") ?? String(Math.random()).slice(2);
  sessionStorage.setItem("tab", name);
  return name;
}

/**
 * Opens the stage, or shows something else on the one that is open.
 * @param {string} query what it shows, as in its address
 */
export function openStage(query) {
  const address = new URL(`stage${query}#${tab()}`, document.baseURI).href;
  if (!window.open(address, STAGE)) location.assign(address);
}

/**
 * Tells the stage of this tab what has been started.
 * @param {{ run: string } | { race: string }} started
 */
export function tellStage(started) {
  const channel = new BroadcastChannel(`gradleak-lab-${tab()}`);
  channel.postMessage(started);
  channel.close();
}
