/**
 * Between a guess and the users: the book of failures keeps it waiting, the queue lets each client have its turn,
 * and who was right a moment ago goes through at once. One for all services of a host.
 *
 * A name that is no user, a locked account and uid 0 go the same way as a wrong password, and take the same time.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Secret } from "../protocol/checkpassword/secret.ts";
import type { Account } from "../system/system.ts";
import type { Backend, Question } from "./backend.ts";
import { Busy, FairQueue, type FairQueueLimits } from "./fair-queue.ts";
import { KnownGood } from "./known-good.ts";
import { networkOf } from "./network.ts";
import { PenaltyBook, usualRules } from "./penalty.ts";

export interface AuthenticatorParts {
  readonly book: PenaltyBook;
  readonly known: KnownGood;
  readonly limits: FairQueueLimits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (seconds: number) => Promise<unknown>;
}

/** Questions to another server, or processes of someone else's, at once. */
const remoteAtOnce = 16;

export class Authenticator {
  readonly book: PenaltyBook;
  readonly #parts: AuthenticatorParts;
  readonly #queue: FairQueue;
  /** For backends that have others do the work. */
  readonly #remote: FairQueue;
  readonly #key = randomBytes(32);
  /** Guesses under way, by network. */
  readonly #pending = new Map<string, number>();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.book = parts.book;
    this.#queue = new FairQueue(parts.limits);
    this.#remote = new FairQueue({ ...parts.limits, atOnce: remoteAtOnce });
  }

  /**
   * What the session becomes; undefined when the password is wrong, or the client is not served any more.
   * Throws Busy when too many passwords wait to be checked, and what the backend throws.
   */
  async answer(backend: Backend, question: Question): Promise<Account | undefined> {
    const { known, now } = this.#parts;
    const { client, user, secret } = question;
    let remembered = false;
    const account = await backend.verify(question, async (work, stored) => {
      remembered = stored !== undefined && known.has(stored, secret, now());
      if (remembered) return true;
      const queue = backend.remote ? this.#remote : this.#queue;
      const right = await this.#checkSlowly(client, user, queue, work);
      if (right && stored !== undefined) known.add(stored, secret, now());
      return right;
    });
    if (account === undefined) this.book.failed(client, user, this.#markOf(user, secret), now());
    else if (!remembered) this.book.succeeded(client, now());
    return account;
  }

  /**
   * As answer(), for what is no password: `work` says whether a proof was right. A wrong one is a failure each time:
   * of two proofs nobody can tell whether they are of the same password.
   */
  async judge(
    { client, user }: Pick<Question, "client" | "user">,
    work: () => Promise<boolean>,
  ): Promise<boolean> {
    const right = await this.#checkSlowly(client, user, noQueue, work);
    const now = this.#parts.now();
    if (right) this.book.succeeded(client, now);
    else this.book.failed(client, user, randomBytes(16).toString("base64"), now);
    return right;
  }

  async #checkSlowly(
    client: string,
    user: string,
    queue: Pick<FairQueue, "run">,
    check: () => Promise<boolean>,
  ): Promise<boolean> {
    const network = networkOf(client) ?? "";
    const pending = this.#pending.get(network) ?? 0;
    if (pending >= this.#parts.limits.waitingEach) throw new Busy("too many passwords to check");
    this.#pending.set(network, pending + 1);
    try {
      const delay = this.book.delaySeconds(client, user, this.#parts.now(), pending);
      if (delay > 0) await this.#parts.sleep(delay);
      // Not checked, so that a network that is turned away does not find out even when it guesses right.
      if (this.book.refusedSeconds(client, this.#parts.now()) > 0) return false;
      return await queue.run(network, check);
    } finally {
      const left = (this.#pending.get(network) ?? 1) - 1;
      if (left === 0) this.#pending.delete(network);
      else this.#pending.set(network, left);
    }
  }

  #markOf(user: string, secret: Secret): string {
    return createHmac("sha256", this.#key)
      .update(`${user}\0`, "latin1")
      .update(secret.reveal())
      .digest("base64");
  }
}

/** For what costs next to nothing. */
const noQueue: Pick<FairQueue, "run"> = { run: (_client, work) => work() };

export interface HostFacts {
  /** How many passwords are checked at once. */
  readonly cores: number;
  /** Networks that are never kept waiting. */
  readonly exempt: readonly string[];
  readonly sleep: (seconds: number) => Promise<unknown>;
}

/** An authenticator as a host runs it. Throws RangeError when an exempt network is none. */
export function usualAuthenticator({ cores, exempt, sleep }: HostFacts): Authenticator {
  return new Authenticator({
    book: new PenaltyBook({ ...usualRules, exempt }),
    known: new KnownGood(),
    limits: { atOnce: Math.max(1, cores), waitingEach: 32, waiting: 1000 },
    now: Date.now,
    sleep,
  });
}
