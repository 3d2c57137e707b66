// @ts-check
// The keys of the stage, in the order in which they are shown.
import { say } from "../live/language.js";

/**
 * @typedef {"toggle" | "again" | "next" | "previous" | "cover" | "black"} Played what the speaker's window asks for
 * @typedef {Played | "full" | "back" | "theme" | "speaker" | "code" | "help"} Act
 */

/** @type {[act: Act, shown: string, keys: string[]][]} */
const KEYS = [
  ["toggle", "Space", [" "]],
  ["again", "R", ["r"]],
  ["next", "Page Down, →", ["PageDown", "ArrowRight", "ArrowDown"]],
  ["previous", "Page Up, ←", ["PageUp", "ArrowLeft", "ArrowUp"]],
  ["cover", "C", ["c"]],
  ["black", "B", ["b", "."]],
  ["full", "F", ["f"]],
  ["theme", "T", ["t"]],
  ["speaker", "S", ["s"]],
  ["code", "Q", ["q"]],
  ["help", "H, ?", ["h", "?"]],
  ["back", "Esc", ["Escape"]],
];

/**
 * What each key does, in words.
 * @returns {[shown: string, does: string][]}
 */
export function explained() {
  /** @type {Record<Act, string>} */
  const does = {
    toggle: say("start, pause, go on"),
    again: say("run again"),
    next: say("next chapter"),
    previous: say("previous chapter"),
    cover: say("cover or reveal the private picture"),
    black: say("black"),
    full: say("full screen"),
    theme: say("light or dark"),
    speaker: say("speaker's window"),
    code: say("code for phones"),
    help: say("these keys"),
    back: say("leave the stage"),
  };
  return KEYS.map(([act, shown]) => [shown, does[act]]);
}

/**
 * What a key asks for; nothing with a modifier, which is the browser's.
 * @param {KeyboardEvent} event
 * @returns {Act | null}
 */
export function wanted({ key, ctrlKey, metaKey, altKey, repeat }) {
  if (ctrlKey || metaKey || altKey || repeat) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  return KEYS.find(([, , keys]) => keys.includes(name))?.[0] ?? null;
}
