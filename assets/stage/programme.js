// @ts-check
// What the stage shows: the run, the race or the set-up that its address names, or the chapters of a talk.
/** @import { Recording } from "../live/types" */
/** @import { Table } from "../live/words.js" */
import { say } from "../live/language.js";

/**
 * A chapter as the stage plays it. `experiments`, `names`, `told` and `runs` have an entry for each lane.
 * @typedef {object} Chapter
 * @property {string} title
 * @property {"run" | "race" | "figure" | "words"} show
 * @property {string} [notes]
 * @property {number} [minutes]
 * @property {string} [setup]
 * @property {any[]} experiments
 * @property {string[]} names
 * @property {"iterations" | "seconds"} by
 * @property {string[]} runs runs that are on show from the start
 * @property {string} [race] the race that they are
 * @property {string[]} classes
 * @property {boolean[]} told
 * @property {string} [figure]
 * @property {string[]} [lines]
 * @property {boolean} [covered]
 * @property {string | null} [recording] its address
 * @property {string | null} [problem] why it cannot be run here
 * @property {Recording[] | null} [recorded] what was recorded of each lane, once it is there
 * @property {Promise<any> | null} [arriving] the recording while it is fetched
 */
/** @typedef {{ title: string, minutes?: number, words: Table, room: boolean, chapters: Chapter[] }} Programme */

const EMPTY = { experiments: [], names: [""], by: "iterations", runs: [], classes: [], told: [] };
/** What the address of the stage says beside what it shows. */
const BESIDE = ["speaker", "chapter"];

/** An answer of the server that will not change: nothing is there, or it makes no sense. */
export class Unknown extends Error {}

/**
 * The query of the stage's address without what differs between its windows.
 * @param {URLSearchParams} query
 */
export function subject(query) {
  const rest = new URLSearchParams(query);
  for (const name of BESIDE) rest.delete(name);
  return rest;
}

/**
 * @param {string} site the address under which the server is
 * @param {URLSearchParams} query
 * @returns {Promise<Programme>}
 */
export async function loadProgramme(site, query) {
  const talk = query.get("talk");
  const programme = await ask(`${site}api/stage?${subject(query)}`);
  if (!talk) return { ...programme, chapters: programme.chapters.map((/** @type {object} */ one) => whole(one)) };
  const { title, minutes, chapters } = await ask(`${site}api/talks/${encodeURIComponent(talk)}`);
  const complete = chapters.map((/** @type {object} */ one) => resolved(site, one));
  return { ...programme, title, minutes, chapters: await Promise.all(complete) };
}

/**
 * @param {object} chapter
 * @returns {Chapter}
 */
const whole = (chapter) => ({ .../** @type {any} */ (EMPTY), ...chapter });

/**
 * A chapter of a talk, with what the server says of its set-up.
 * @param {string} site
 * @param {any} chapter
 * @returns {Promise<Chapter>}
 */
async function resolved(site, chapter) {
  const experiments = chapter.lanes ?? [chapter.experiment].filter(Boolean);
  const given = whole({ ...chapter, experiments });
  if (!["run", "race"].includes(chapter.show)) return given;
  const setup = String(chapter.setup ?? "").split("?").pop();
  const found = await ask(`${site}api/stage?${setup}`).catch(() => null);
  const same = found?.chapters[0];
  return { ...given, ...same, ...chapter, recording: chapter.recording ?? same?.recording ?? null };
}

/**
 * The answer's JSON. Throws `Unknown` with the server's sentence where asking again is of no use.
 * @param {string} url
 */
async function ask(url) {
  const answer = await fetch(url, { cache: "no-store" });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const sentence = said.error ?? say("The server has nothing to show here.");
  throw answer.status < 500 && answer.status !== 429 ? new Unknown(sentence) : new Error(sentence);
}

/**
 * Fetches the recordings of chapters, one after another, so that they can be played without a server.
 * @param {string} site
 * @param {Chapter[]} chapters the first ones first
 */
export async function loadRecordings(site, chapters) {
  for (const chapter of chapters) await loadRecording(site, chapter);
}

/**
 * What was recorded of each lane of a chapter, fetched once; null where there is nothing.
 * @param {string} site
 * @param {Chapter} chapter
 */
export async function loadRecording(site, chapter) {
  if (!chapter.recording || chapter.recorded) return chapter.recorded ?? null;
  chapter.arriving ??= fetch(new URL(chapter.recording, site)).then((answer) => answer.json()).catch(() => null);
  const value = await chapter.arriving;
  chapter.arriving = null;
  chapter.recorded ??= value && (value.lanes ?? (value.frames ? [value] : null));
  return chapter.recorded ?? null;
}
