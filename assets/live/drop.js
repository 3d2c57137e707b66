// @ts-check
// A picture that is dropped anywhere on the page, but where the page has a place of its own for files.
/** @import { Mounted } from "./mounted.js" */
import { NO_ANSWER } from "./words.js";

const OWN = "[data-testid=stFileUploaderDropzone], [role=dialog]";

/**
 * Catches files and sends the first one to the server. Of several drops only the answer to the last counts.
 * @param {string} api
 * @param {HTMLElement} root what shows that a file would be taken
 * @param {Pick<Mounted, "abort" | "say" | "complain" | "takeDropped">} view
 */
export function catchDrop(api, root, view) {
  const { signal } = view.abort;
  let drops = 0;
  /** @type {(event: DragEvent) => boolean} */
  const ours = (event) => Boolean(event.dataTransfer?.types.includes("Files"))
    && !(event.target instanceof Element && event.target.closest(OWN));
  /** @type {(event: DragEvent) => void} */
  const over = (event) => {
    root.classList.toggle("gl-dropping", ours(event));
    if (ours(event)) event.preventDefault();
  };
  window.addEventListener("dragover", over, { signal });
  window.addEventListener("dragleave", () => root.classList.remove("gl-dropping"), { signal });
  window.addEventListener("drop", (event) => {
    root.classList.remove("gl-dropping");
    const file = event.dataTransfer?.files[0];
    if (!file || !ours(event)) return;
    event.preventDefault();
    const drop = drops += 1;
    /** @type {(act: () => void) => void} */
    const ifLast = (act) => { if (drop === drops) act(); };
    view.complain("");
    view.say(`Taking in ${file.name}…`);
    send(`${api}/uploads?name=${encodeURIComponent(file.name)}`, file).then(
      (answer) => ifLast(() => view.takeDropped(answer)),
      (error) => ifLast(() => view.complain(error.message)),
    );
  }, { signal });
}

/**
 * The answer as JSON; throws an Error with the server's sentence.
 * @param {string} url
 * @param {File} file
 */
async function send(url, file) {
  const answer = await fetch(url, { method: "POST", body: file }).catch(() => { throw new Error(NO_ANSWER); });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? NO_ANSWER);
  return JSON.stringify(said);
}
