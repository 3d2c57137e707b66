// Where messages come from. Both sources give on(head, picture) the same messages and answer where a picture is.
export const ENDED = new Set(["done", "recovered", "stuck", "diverged", "stopped", "failed", "refused", "interrupted", "damaged", "deleted"]);
const UNKNOWN_RUN = 4404;

/** A run on the server, over its WebSocket; reconnects by itself and asks only for what it has not seen. */
export class LiveSource {
  live = true;

  constructor(api, run, on, lost) {
    Object.assign(this, { api, run, on, lost, seen: 0, tries: 0, ended: false });
    this.truth = `${api}/runs/${run}/truth`;
  }

  frame(iteration) {
    return `${this.api}/runs/${this.run}/frames/${iteration}`;
  }

  open() {
    if (this.socket || this.ended) return;
    clearTimeout(this.timer);
    const url = new URL(`${this.api}/live/${this.run}?seen=${this.seen}`);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code, reason }) => this.socket === socket && (code === UNKNOWN_RUN ? this.forget(reason) : this.retry());
    this.socket = socket;
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  receive(buffer) {
    const { head, picture } = unpack(buffer);
    this.tries = 0;
    const { first, iterations, columns } = head.curve ?? {};
    const length = Math.max(0, ...Object.values(columns ?? {}).map((column) => column.length));
    if (length) this.seen = iterations?.length ? iterations.at(-1) : first + length - 1;
    this.ended = ENDED.has(head.status);
    this.on(head, picture);
    if (this.ended) this.close();
  }

  forget(reason) {
    this.ended = true;
    this.on({ status: "deleted", message: reason || "There is no such run." });
  }

  retry() {
    this.socket = null;
    this.tries += 1;
    if (this.tries > 1) this.lost(this.tries);
    const wait = Math.min(8000, 250 * 2 ** this.tries) * (0.5 + Math.random());
    this.timer = setTimeout(() => this.open(), wait);
  }

  async post(verb, body = {}) {
    return post(`${this.api}/runs/${this.run}/${verb}`, body);
  }
}

/** A recorded run, played in about `seconds`; says the same messages as the live one. */
export class RecordingSource {
  live = false;

  constructor(url, on, lost, { seconds = 4, still = false } = {}) {
    Object.assign(this, { url, on, lost, still, at: 0, ticks: seconds * 10, paused: false });
  }

  frame(iteration) {
    return this.recording.frames.find((frame) => frame.iteration === iteration)?.picture;
  }

  async open() {
    if (this.timer || this.at >= this.ticks) return;
    this.timer = setInterval(() => this.tick(), 100);
    try {
      this.recording ??= await fetch(this.url).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)));
      this.truth = this.recording.truth;
      if (this.still) this.at = this.ticks - 1;
      this.tick();
    } catch {
      this.close();
      this.lost(0);
    }
  }

  close() {
    clearInterval(this.timer);
    this.timer = null;
  }

  get finished() {
    return this.at >= this.ticks;
  }

  restart() {
    Object.assign(this, { at: 0, from: 0, paused: false, still: false });
    this.open();
  }

  pause(paused) {
    this.paused = paused;
    this.on({ ...this.recording.head, status: paused ? "paused" : "running", curve: null, frames: [], picture: null, result: null });
  }

  tick() {
    if (!this.recording || this.paused) return;
    const { head, curve, frames, result } = this.recording;
    const iterations = curve.iterations ?? Object.values(curve.columns)[0].map((_, index) => curve.first + index);
    this.at += 1;
    const share = (this.at / this.ticks) ** 1.5; // slow at first, where the picture forms
    const last = iterations[0] + (iterations.at(-1) - iterations[0]) * share;
    const [low, high] = [this.from ?? 0, iterations.filter((iteration) => iteration <= last).length];
    const seen = low ? iterations[low - 1] : 0;
    const fresh = frames.filter(({ iteration }) => iteration > seen && iteration <= last);
    this.from = high;
    const cut = (list) => list.slice(low, high);
    const columns = Object.fromEntries(Object.entries(curve.columns).map(([name, column]) => [name, cut(column)]));
    const seconds = (head.seconds ?? result?.seconds ?? 0) * share;
    const status = this.finished ? result?.status ?? head.status : "running";
    if (this.finished) this.close();
    this.on(
      { ...head, status, seconds, curve: { iterations: cut(iterations), columns }, frames: fresh,
        picture: fresh.at(-1)?.iteration ?? null, result: this.finished ? result : null },
      fresh.at(-1)?.picture,
    );
  }
}

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { head, picture: buffer.byteLength > 4 + length ? new Blob([new Uint8Array(buffer, 4 + length)]) : null };
}

/** The answer's JSON; throws an Error with the server's sentence. */
export async function post(url, body) {
  const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
    .catch(() => { throw new Error("The server does not answer; check the connection and try again."); });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? `The server refused this (${answer.status}).`);
  return said;
}
