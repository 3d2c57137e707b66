// @ts-check
// The entry of the page for a hall: it asks what there is to show, and is the audience's or the speaker's window.
import { text } from "../live/controls.js";
import { loadLanguage, say, sayAll } from "../live/language.js";
import { Stage } from "./audience.js";
import { Unknown, loadProgramme } from "./programme.js";
import { pause } from "./server.js";
import { Speaker } from "./speaker.js";
import { followSystem } from "./theme.js";

const [SOON_MS, LATE_MS] = [500, 8000];
const site = new URL("./", document.baseURI).href;

async function begin() {
  const query = new URLSearchParams(location.search);
  const part = document.querySelector(query.has("speaker") ? "#speaker" : "#stage");
  const root = /** @type {HTMLElement} */ (part);
  followSystem(() => undefined);
  await loadLanguage();
  sayAll();
  root.hidden = false;
  const programme = await insist(query, root);
  if (programme) new (query.has("speaker") ? Speaker : Stage)(root, site, programme, query);
}

/**
 * Asks what there is to show until the server says it.
 * @param {URLSearchParams} query
 * @param {HTMLElement} root
 */
async function insist(query, root) {
  const place = /** @type {HTMLElement} */ (root.querySelector("[data-st=title]"));
  for (let wait = SOON_MS; ; wait = Math.min(LATE_MS, 2 * wait)) {
    try {
      return await loadProgramme(site, query);
    } catch (error) {
      const { message, name } = /** @type {Error} */ (error);
      text(place, name === "TypeError" ? say("Reconnecting…") : message);
      if (error instanceof Unknown) return null;
    }
    await pause(wait);
  }
}

begin();
