// @ts-check
// Whether the server answers. While it does not, it is asked until it does.
const EVERY_MS = 1000;
const PATIENCE_MS = 2000;

export class Server {
  away = false;

  /**
   * @param {string} api
   * @param {(back: boolean) => void} changed is told when the server has gone, and when it is back
   */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
  }

  /** Takes note that the server does not answer. */
  lose() {
    if (this.away) return;
    this.away = true;
    this.changed(false);
    this.wait();
  }

  async wait() {
    do await pause(EVERY_MS); while (!(await this.answers()));
    this.away = false;
    this.changed(true);
  }

  async answers() {
    const options = { cache: /** @type {const} */ ("no-store"), signal: AbortSignal.timeout(PATIENCE_MS) };
    return fetch(`${this.api}/health`, options).then((answer) => answer.ok, () => false);
  }
}

/** @param {number} wait milliseconds */
export const pause = (wait) => new Promise((later) => setTimeout(later, wait));
