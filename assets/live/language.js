// @ts-check
// The one table of the sentences that a user reads, in the language that the page's address asks for with `?lang=`.

/** @type {Map<string, string>} English sentences, and what stands for them in the page's language. */
const table = new Map();

/** The code of the page's language; English where the address names none. */
export const language = () => new URLSearchParams(location.search).get("lang") || "en";

/**
 * Fetches the table of the page's language. A page calls it before it says anything; without an answer it is English.
 * @param {string} [code]
 */
export async function loadLanguage(code = language()) {
  if (code === "en") return;
  try {
    const answer = await fetch(new URL(`api/languages/${encodeURIComponent(code)}`, document.baseURI));
    if (answer.ok) learnLanguage(await answer.json(), code);
  } catch {
    // Without a server the sentences stay as they are.
  }
}

/**
 * Takes over a table of sentences.
 * @param {Record<string, string>} sentences
 * @param {string} code
 */
export function learnLanguage(sentences, code) {
  for (const [english, own] of Object.entries(sentences)) table.set(english, own);
  document.documentElement.lang = code;
}

/**
 * A sentence in the page's language, with `values` in the places of their names in braces.
 * @param {string} text
 * @param {Record<string, unknown>} [values]
 */
export function say(text, values = {}) {
  const said = table.get(text) ?? text;
  return said.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

/**
 * Translates what stands in the page itself: the text of every element with `data-say`, which is its English sentence,
 * and the attributes that `data-say-title`, `data-say-placeholder` and `data-say-aria-label` are for.
 * @param {ParentNode} [root]
 */
export function sayAll(root = document) {
  for (const element of root.querySelectorAll("[data-say]")) {
    element.textContent = say((element.textContent ?? "").trim());
  }
  for (const name of ["title", "placeholder", "aria-label"]) {
    for (const element of root.querySelectorAll(`[data-say-${name}]`)) {
      element.setAttribute(name, say(element.getAttribute(name) ?? ""));
    }
  }
}
