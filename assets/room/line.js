// @ts-check
// The line between a page of the room and its server: news over a WebSocket, and what the page asks of it.
import { language, translate } from "../live/language.js";

const LEFT_ROOM = 4404;
const [SOON_MS, LATE_MS] = [300, 5000];

/** The address of the site, whatever path a proxy has put before it. */
export const site = new URL("./", document.baseURI).href;

/**
 * Asks something of the room's part of the API.
 * @param {string} path
 * @param {object} [body] what is sent; nothing for a question
 */
export async function askRoom(path, body) {
  return askServer(`room${path ? `/${path}` : ""}`, body);
}

/**
 * Asks something of the API. Throws an Error with the server's sentence.
 * That, and what is `said` in an answer, is in the language of the page.
 * @param {string} path
 * @param {object} [body]
 * @param {string} [method]
 */
export async function askServer(path, body, method = body ? "POST" : "GET") {
  const url = new URL(`api/${path}`, site);
  url.searchParams.set("lang", language());
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, body ? { method, headers, body: JSON.stringify(body) } : { method });
  const text = await answer.text();
  const value = text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null;
  const { ok, status, statusText } = answer;
  if (!ok) throw Object.assign(new Error(translate(value?.error ?? statusText)), { status });
  return value?.said ? { ...value, said: translate(value.said) } : value;
}

/** A WebSocket of the room, which connects again by itself. */
export class Line {
  tries = 0;
  /** @type {WebSocket | null} */
  socket = null;

  /**
   * @param {string} path
   * @param {(message: any) => void} hear
   * @param {(connected: boolean) => void} [tell] is told whether the server is there
   * @param {() => void} [left] is called once the server says that this person is not in the room
   */
  constructor(path, hear, tell = () => undefined, left = () => undefined) {
    this.path = path;
    this.hear = hear;
    this.tell = tell;
    this.left = left;
    this.open();
  }

  open() {
    const url = new URL(`api/room/${this.path}`, site);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.onopen = () => {
      this.tries = 0;
      this.tell(true);
    };
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.closed(socket, code);
    this.socket = socket;
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  closed(socket, code) {
    if (this.socket !== socket) return;
    if (code === LEFT_ROOM) {
      this.left();
      return;
    }
    this.tell(false);
    const wait = Math.min(LATE_MS, SOON_MS * 2 ** this.tries++) * (0.5 + Math.random());
    this.timer = setTimeout(() => this.open(), wait);
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
