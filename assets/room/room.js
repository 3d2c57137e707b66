// @ts-check
// The entry of the room's page: who is not in the room joins it, a student takes part, and the host leads.
import { keepLanguage, loadLanguage, say } from "../live/language.js";
import { Host } from "./host.js";
import { Joining } from "./joining.js";
import { Line, askRoom } from "./line.js";
import { make, write } from "./make.js";
import { Student } from "./student.js";

const AGAIN_MS = 2000;
/** @type {Joining | null} the form on show */
let joining = null;
const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

async function begin() {
  await loadLanguage();
  await takeKey();
  await enter();
}

/** Makes this browser the host's, if the address brings the key, and takes the key out of the address. */
async function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("host");
  if (!key) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await askRoom("host", { key });
  } catch (error) {
    write(find("state"), /** @type {Error} */ (error).message);
  }
}

/**
 * Shows what this person is in the room, and asks until the server says it, and until a closed room is open.
 * @param {string} [said] why this person is a guest now
 */
async function enter(said = "") {
  /** @type {any} */
  let room;
  try {
    room = await askRoom("");
  } catch (error) {
    const { status, message } = /** @type {any} */ (error);
    write(find("state"), status ? message : say("Reconnecting…"));
    if (status !== 404) setTimeout(enter, AGAIN_MS, said);
    else find("room").replaceChildren(make("p", {}, make("a", { href: keepLanguage("./") }, say("Open the Lab"))));
    return;
  }
  write(find("title"), room.title || say("The room"));
  if (room.role === "guest") {
    write(find("state"), "");
    write(find("who"), "");
    joining ??= new Joining(enter);
    joining.show(room, said);
    if (!joining.element.isConnected) find("room").replaceChildren(joining.element);
    if (!room.open) setTimeout(enter, AGAIN_MS);
    return;
  }
  joining = null;
  takePart(room);
}

/** @param {any} room all that this person may see */
function takePart(room) {
  const page = room.role === "host" ? new Host(room) : new Student(room);
  find("room").replaceChildren(page.element);
  document.body.dataset.role = room.role;
  let common = room,
    own = room;
  const show = () => {
    write(find("title"), common.title || say("The room"));
    write(find("who"), own.role === "host" ? say("You are the host.") : own.name);
    page.show(common, own);
  };
  show();
  new Line(
    "live",
    (message) => {
      if (message.shown !== undefined) page.follow(message.shown);
      if (message.common) common = { ...common, ...message.common };
      if (message.own) own = message.own;
      if (message.common || message.own) show();
    },
    (connected) => write(find("state"), connected ? "" : say("Reconnecting…")),
    () => enter(say("You are not in the room any more. You can join again with its PIN.")),
  );
}

begin();
