// @ts-check
// The one table of the sentences that a user reads, in the language that the page's address asks for with `?lang=`.

const PLACE = /\{(\w+)(?:[:!][^{}]*)?\}/g;
/** What may stand in the place of a value: part of one sentence. */
const VALUE = "((?:(?![.?!;] [A-Z]).)+?)";
/** What stands in a place whose name begins with n. */
const NUMBER = "(\\d[\\d.,]*)";
const SENTENCES = /((?<=[.?!:;])\s+(?=[A-Z“"])|\n)/;
const HALVES = /(: |; )/;
const LISTED = /(, | and | · )/;
/** What may stand beside words: marks, and the strength of what they name. */
const EDGES = /^([\s:;,.·–(]*)([^]*?)((?: \d+(?:\.\d+)?(?:e-\d+)?)?[\s:;)]*)$/;
/** The most words of a part of a list that need no translation. */
const LONGEST_NAME = 3;

/** @type {Map<string, string>} English sentences, and what stands for them in the page's language. */
const table = new Map();

/** The code of the page's language; English where the address names none. */
export const language = () => new URLSearchParams(location.search).get("lang") || "en";

/**
 * The address of another of our pages, in the language of this one.
 * @param {string} href
 */
export function keepLanguage(href) {
  const code = language();
  return code === "en" ? href : `${href}${href.includes("?") ? "&" : "?"}lang=${encodeURIComponent(code)}`;
}

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
  patterns = null;
  translated.clear();
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

/** @typedef {{ length: number, form: RegExp, names: string[], own: string }} Pattern */

/** @type {Pattern[] | null} the sentences with places, those that say most first */
let patterns = null;
/** @type {Map<string, string>} */
const translated = new Map();
const MOST_KEPT = 2000;

/**
 * A text that was made elsewhere, in the page's language: whole, or by a sentence with places that it fits, or sentence
 * by sentence, as gradleak_core/translating.py does. What the table does not have stays English.
 * @param {string} text
 * @returns {string}
 */
export function translate(text) {
  if (!table.size || !/\p{L}{2}/u.test(text)) return text;
  const known = translated.get(text);
  if (known !== undefined) return known;
  const found = table.get(text) ?? fit(text) ?? part(text);
  if (translated.size >= MOST_KEPT) translated.clear();
  translated.set(text, found);
  return found;
}

/** @param {string} text */
function fit(text) {
  for (const { form, names, own } of patterns ??= makePatterns()) {
    const fits = form.exec(text);
    if (!fits) continue;
    const values = new Map(names.map((name, at) => [name, translate(fits[at + 1])]));
    return own.replace(PLACE, (place, name) => values.get(name) ?? place);
  }
  return null;
}

/**
 * @param {string} text
 * @returns {string}
 */
function part(text) {
  const [, before, inner, after] = EDGES.exec(text) ?? ["", "", text, ""];
  if (inner && inner !== text) return before + translate(inner) + after;
  const parts = text.split(SENTENCES);
  return parts.length > 1 ? sentences(parts) : joined(text, HALVES) ?? joined(text, LISTED) ?? text;
}

/**
 * Sentences, with the spaces between them, as many at once as stand in the table together.
 * @param {string[]} parts
 * @returns {string}
 */
function sentences(parts) {
  for (let count = parts.length; count > 1; count -= 2) {
    const whole = parts.slice(0, count).join("");
    const found = table.get(whole) ?? fit(whole);
    if (found) return found + (count < parts.length ? parts[count] + sentences(parts.slice(count + 1)) : "");
  }
  const [first, space, ...rest] = parts;
  return translate(first) + (rest.length ? space + sentences(rest) : "");
}

/**
 * What marks join, if each part is in the table or is short enough to be a name; null otherwise.
 * @param {string} text
 * @param {RegExp} marks
 * @returns {string | null}
 */
function joined(text, marks) {
  const parts = text.split(marks);
  if (parts.length === 1) return null;
  const found = parts.map((one, at) => (at % 2 ? table.get(one) ?? one : translate(one)));
  const changed = (/** @type {string} */ one, /** @type {number} */ at) => at % 2 === 0 && one !== parts[at];
  const known = found.every((one, at) => at % 2 || changed(one, at) || one.split(" ").length <= LONGEST_NAME);
  return known && found.some(changed) ? found.join("") : null;
}

/** @returns {Pattern[]} */
function makePatterns() {
  const found = [...table].flatMap(([english, own]) => {
    const names = [...english.matchAll(PLACE)].map(([, name]) => name);
    const words = english.split(/\{\w+(?:[:!][^{}]*)?\}/);
    if (!names.length || !/\p{L}{2}/u.test(words.join(""))) return [];
    const literal = words.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
    const form = literal[0] + names.map((name, at) => (
      (name.startsWith("n") ? NUMBER : VALUE) + literal[at + 1])).join("");
    return [{ length: words.join("").length, form: new RegExp(`^${form}$`, "s"), names, own }];
  });
  return found.sort((one, other) => other.length - one.length);
}

/**
 * Translates all texts within an element, and the attributes that a reader sees or hears.
 * @param {Element} root
 */
export function translateAll(root) {
  if (!table.size) return;
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = /** @type {Text} */ (walk.currentNode);
    const own = translate(node.data);
    if (own !== node.data) node.data = own;
  }
  for (const element of [root, ...root.querySelectorAll("*")]) {
    for (const name of ["title", "aria-label", "placeholder", "data-empty"]) {
      const text = element.getAttribute(name);
      if (text) element.setAttribute(name, translate(text));
    }
  }
}
