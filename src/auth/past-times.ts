/**
 * How long checks took lately. An answer about a user that there is not, which some server gives at once, waits for as
 * long as one of these: then nobody can tell it from a wrong password by its time.
 */
const remembered = 64;

export class PastTimes {
  readonly #ms: number[] = [];
  #next = 0;

  add(ms: number): void {
    this.#ms[this.#next] = ms;
    this.#next = (this.#next + 1) % remembered;
  }

  /** One of them, by a number from 0 to less than 1; 0 when there are none yet. Milliseconds. */
  draw(random: number): number {
    return this.#ms[Math.floor(random * this.#ms.length)] ?? 0;
  }
}
