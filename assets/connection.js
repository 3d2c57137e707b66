// @ts-check
// When the server goes, Streamlit's box covers the page. This says it in our words instead, and leaves the page as it
// is. The box is known by its title and its place in Streamlit's markup: where either changes, Streamlit's own words
// stand there again, and the page does not load by itself when the server is back.
/** @type {Record<string, string>} the sentence in other languages, by their codes: the server fills them in */
const OTHERS = {};
const SENTENCE = OTHERS[new URLSearchParams(location.search).get("lang") ?? ""]
  ?? "The server does not answer. What you see stays; the page loads again by itself when the server is back.";
const TITLE = "Connection error";
const BOX = "body > * > * > [role=dialog]";
const EVERY_MS = 2000;
const LOOKS = `position: fixed; inset: auto 0 0; z-index: 1000000; margin: 0; padding: 0.8rem 1.2rem;
  text-align: center; background: #7a2a1e; color: #fff; font: 600 1.05rem/1.4 inherit`;

async function alive() {
  const answer = await fetch(new URL("api/health", document.baseURI), { cache: "no-store" }).catch(() => null);
  return Boolean(answer?.ok);
}

/** A server that was started again does not know this tab: its first press would be lost, so the page loads again. */
async function announce() {
  const line = Object.assign(document.createElement("p"), { textContent: SENTENCE, role: "alert", style: LOOKS });
  document.body.append(line);
  do await new Promise((later) => setTimeout(later, EVERY_MS)); while (!(await alive()));
  location.reload();
}

let announced = false;
new MutationObserver(() => {
  for (const box of document.querySelectorAll(BOX)) {
    if (box.querySelector("h2")?.textContent !== TITLE) continue;
    /** @type {HTMLElement | null} */
    const close = box.querySelector("button[aria-label=Close]");
    close?.click();
    if (!announced) announce();
    announced = true;
  }
}).observe(document.body, { childList: true });
