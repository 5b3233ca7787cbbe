/**
 * Runs costly work, a bounded number at once, in turns: each client network has a queue of its own, and the queues
 * take turns. A flood of guesses from one place delays that place and nobody else.
 */

/** There is too much work waiting; try again later. */
export class Busy extends Error {
  override readonly name = "Busy";
}

export interface FairQueueLimits {
  readonly atOnce: number;
  /** Waiting, of one client. */
  readonly waitingEach: number;
  /** Waiting, of all. */
  readonly waiting: number;
}

export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** Those whose turn comes, in this order. None of the queues is empty. */
  readonly #queues = new Map<string, (() => void)[]>();
  #running = 0;
  #waiting = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /** Runs `work` when it is the turn of `client`. Rejects with Busy at once, or with what `work` throws. */
  async run<Result>(client: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#limits.atOnce) this.#running += 1;
    else await this.#turn(client);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  get waiting(): number {
    return this.#waiting;
  }

  #turn(client: string): Promise<void> {
    const queue = this.#queues.get(client) ?? [];
    if (queue.length >= this.#limits.waitingEach || this.#waiting >= this.#limits.waiting) {
      return Promise.reject(new Busy("too many passwords to check"));
    }
    if (queue.length === 0) this.#queues.set(client, queue);
    this.#waiting += 1;
    return new Promise((resolve) => {
      queue.push(resolve);
    });
  }

  /** Gives the place of work that is done to the first in the next queue, which then goes to the end of the line. */
  #next(): void {
    const [first] = this.#queues;
    if (first === undefined) {
      this.#running -= 1;
      return;
    }
    const [client, queue] = first;
    const start = queue.shift();
    this.#queues.delete(client);
    if (queue.length > 0) this.#queues.set(client, queue);
    this.#waiting -= 1;
    start?.();
  }
}
