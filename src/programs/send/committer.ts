/**
 * Group commit: everything that is complete when a commit starts goes into that one transaction, and waits for one
 * flush. While the disk works, the next group gathers in the sockets; where many come, it gathers a little longer.
 */
import { setTimeout as later, setImmediate as nextTurn } from "node:timers";
import type { NewMessage, QueueStore } from "../../system/queue/store.ts";
import { Gathering } from "./gathering.ts";

/** A message that is complete and wants to be in the queue. */
export interface Arrival {
  readonly message: NewMessage;
  /** The message is on disk; or, when `id` is undefined, it is not in the queue. */
  settle(id: number | undefined): void;
}

/** Changes to the queue that somebody waits for less: they go with the next group, or soon. */
export interface Change {
  apply(store: QueueStore): void;
  /** The change is on disk. */
  settle(): void;
}

const changesWaitMs = 25;
const afterFailureMs = 1000;

export class Committer {
  readonly #store: QueueStore;
  readonly #failed: (error: unknown) => void;
  #arrivals: Arrival[] = [];
  #changes: Change[] = [];
  readonly #gathering = new Gathering();
  #soon = false;
  #looking: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `failed` is told what went wrong with a transaction. */
  constructor(store: QueueStore, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  arrive(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    this.#commitIn(this.#gathering.arrived(performance.now()));
  }

  #commitIn(milliseconds: number | undefined): void {
    if (milliseconds === undefined || this.#soon) return;
    if (milliseconds > 0) {
      this.#looking = later(() => this.#commitIn(this.#gathering.look(performance.now())), milliseconds);
      return;
    }
    this.#soon = true;
    nextTurn(() => this.commit());
  }

  change(change: Change): void {
    this.#changes.push(change);
    this.#timer ??= later(() => this.commit(), changesWaitMs);
  }

  /** Commits all that is there. */
  commit(): void {
    this.#soon = false;
    clearTimeout(this.#looking);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#gathering.committed();
    if (this.#arrivals.length === 0 && this.#changes.length === 0) return;
    const arrivals = this.#arrivals;
    const changes = this.#changes;
    this.#arrivals = [];
    this.#changes = [];
    const ids = this.#transact(arrivals, changes);
    for (const [at, arrival] of arrivals.entries()) arrival.settle(ids?.[at]);
    if (ids !== undefined) for (const change of changes) change.settle();
  }

  #transact(arrivals: readonly Arrival[], changes: readonly Change[]): number[] | undefined {
    try {
      return this.#store.transact(() => {
        for (const change of changes) change.apply(this.#store);
        return arrivals.map(({ message }) => this.#store.add(message));
      });
    } catch (error) {
      this.#failed(error);
      // What has happened to deliveries stays true: it is written when the disk has recovered.
      this.#changes = [...changes, ...this.#changes];
      if (changes.length > 0) this.#timer ??= later(() => this.commit(), afterFailureMs);
      return undefined;
    }
  }
}
