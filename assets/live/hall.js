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
 * Opens the stage, or shows something else on the one that is open: a run or a race, else the set-up that the Lab has
 * in its address. Other pages have none there.
 * @param {string | false} started the query that names a run or a race
 */
export function openStage(started) {
  const query = started || (location.pathname.endsWith("/") ? location.search : null);
  if (query === null) return;
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
