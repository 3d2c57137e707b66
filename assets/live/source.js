// @ts-check
// Where messages come from. Both sources call hear(head, picture) with the same messages and answer where a picture is.
/** @import { Head, Hear, Recording } from "./types" */
import { NO_ANSWER } from "./words.js";

export const ENDED = new Set([
  ...["done", "recovered", "certified", "level", "stuck", "diverged", "stopped", "failed"],
  ...["refused", "interrupted", "damaged", "deleted"],
]);
const UNKNOWN_RUN = 4404;
const TICK_MS = 100;
const TICKS = 40;
/** Above 1 a recording begins slowly, where the picture forms. */
export const BEND = 1.5;

/** A run on the server, over its WebSocket; reconnects by itself and asks only for what it has not seen. */
export class LiveSource {
  live = /** @type {const} */ (true);
  seen = 0;
  tries = 0;
  ended = false;
  /** @type {WebSocket | null} */
  socket = null;

  /**
   * @param {string} api
   * @param {string} run
   * @param {Hear} hear
   * @param {(tries: number) => void} lost
   */
  constructor(api, run, hear, lost) {
    this.api = api;
    this.run = run;
    this.hear = hear;
    this.lost = lost;
    this.truth = `${api}/runs/${run}/truth`;
  }

  /** @param {number} iteration */
  frame(iteration) {
    return `${this.api}/runs/${this.run}/frames/${iteration}`;
  }

  /** @param {number} iteration */
  async tiles(iteration) {
    const answer = await fetch(`${this.frame(iteration)}/tiles`);
    return answer.ok ? answer.text() : "";
  }

  open() {
    if (this.socket || this.ended) return;
    clearTimeout(this.timer);
    const url = new URL(`${this.api}/live/${this.run}?seen=${this.seen}`);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = (event) => this.closed(socket, event);
    this.socket = socket;
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** @param {ArrayBuffer} buffer */
  receive(buffer) {
    const { head, picture } = unpack(buffer);
    this.tries = 0;
    const { first = 1, iterations, columns } = head.curve ?? {};
    const length = Math.max(0, ...Object.values(columns ?? {}).map((column) => column.length));
    if (length) this.seen = iterations?.at(-1) ?? first + length - 1;
    this.ended = ENDED.has(head.status);
    this.hear(head, picture);
    if (this.ended) this.close();
  }

  /**
   * @param {WebSocket} socket
   * @param {CloseEvent} event
   */
  closed(socket, { code, reason }) {
    if (this.socket !== socket) return;
    if (code === UNKNOWN_RUN) this.forget(reason);
    else this.retry();
  }

  /** @param {string} reason */
  forget(reason) {
    this.ended = true;
    this.hear({ status: "deleted", message: reason || "There is no such run." });
  }

  retry() {
    this.socket = null;
    this.tries += 1;
    if (this.tries > 1) this.lost(this.tries);
    const wait = Math.min(8000, 250 * 2 ** this.tries) * (0.5 + Math.random());
    this.timer = setTimeout(() => this.open(), wait);
  }

  /**
   * @param {string} verb
   * @param {object} [body]
   */
  async post(verb, body = {}) {
    return post(`${this.api}/runs/${this.run}/${verb}`, body);
  }
}

/** A recorded run, played in about four seconds; says the same messages as the live one. */
export class RecordingSource {
  live = /** @type {const} */ (false);
  ticks = TICKS;
  at = 0;
  from = 0;
  paused = false;
  /** @type {Recording | null} */
  recording = null;
  /** @type {string | null} */
  truth = null;
  /** @type {number | null} */
  timer = null;

  /**
   * @param {string} url
   * @param {Hear} hear
   * @param {(tries: number) => void} lost
   * @param {boolean} still the end is shown at once
   */
  constructor(url, hear, lost, still) {
    this.url = url;
    this.hear = hear;
    this.lost = lost;
    this.still = still;
  }

  /** @param {number} iteration */
  frame(iteration) {
    return this.recording?.frames.find((frame) => frame.iteration === iteration)?.picture;
  }

  /** @param {number} iteration */
  async tiles(iteration) {
    return this.recording?.frames.find((frame) => frame.iteration === iteration)?.tiles ?? "";
  }

  async open() {
    if (this.timer || this.finished) return;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    try {
      this.recording ??= await recorded(this.url);
      if (!this.timer) return; // closed meanwhile
      this.truth = this.recording.truth;
      if (this.still) this.at = this.ticks - 1;
      this.tick();
    } catch {
      this.close();
      this.lost(0);
    }
  }

  close() {
    clearInterval(this.timer ?? undefined);
    this.timer = null;
  }

  get finished() {
    return this.at >= this.ticks;
  }

  restart() {
    Object.assign(this, { at: 0, from: 0, paused: false, still: false });
    this.open();
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.paused = paused;
    const status = paused ? "paused" : "running";
    this.hear({ ...this.recording?.head, status, curve: null, frames: [], picture: null, result: null });
  }

  tick() {
    if (!this.recording || this.paused) return;
    const { head, curve, frames, result } = this.recording;
    const { first } = curve;
    const iterations = curve.iterations ?? Object.values(curve.columns)[0].map((_, index) => first + index);
    this.at += 1;
    const share = (this.at / this.ticks) ** BEND;
    const last = iterations[0] + (iterations[iterations.length - 1] - iterations[0]) * share;
    const [low, high] = [this.from, iterations.filter((iteration) => iteration <= last).length];
    const seen = low ? iterations[low - 1] : 0;
    const fresh = frames.filter(({ iteration }) => iteration > seen && iteration <= last);
    this.from = high;
    const columns = Object.entries(curve.columns).map(([name, column]) => [name, column.slice(low, high)]);
    /** @type {Head} */
    const now = {
      ...head,
      status: "running",
      seconds: (head.seconds ?? result?.seconds ?? 0) * share,
      curve: { iterations: iterations.slice(low, high), columns: Object.fromEntries(columns) },
      frames: fresh,
      picture: fresh.at(-1)?.iteration ?? null,
      tiles: fresh.at(-1)?.tiles ?? null,
      result: null,
    };
    if (this.finished) {
      Object.assign(now, { status: result?.status ?? head.status, result });
      this.close();
    }
    this.hear(now, fresh.at(-1)?.picture);
  }
}

/**
 * @param {string} url
 * @returns {Promise<Recording>}
 */
async function recorded(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {{ head: Head, picture: Blob | null }}
 */
function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { head, picture: buffer.byteLength > 4 + length ? new Blob([new Uint8Array(buffer, 4 + length)]) : null };
}

/**
 * The answer's JSON; throws an Error with the server's sentence.
 * @param {string} url
 * @param {object} body
 */
export async function post(url, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
    .catch(() => { throw new Error(NO_ANSWER); });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? `The server refused this (${answer.status}).`);
  return said;
}
