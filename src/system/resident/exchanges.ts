/** The conversations that one front has with the auth process: each is a client that tries to log in. */
import { converse, Gone, type Peer, type Surroundings, type Verdict } from "../../auth/sasl/converse.ts";
import type { Opening } from "../../protocol/checkpassword/conversation.ts";
import { wipeableCopy } from "../../protocol/wipeable.ts";

/** Seconds in which the client must answer a challenge; authup's own patience is less. */
const patienceSeconds = 300;
/** A front that was taken over must not fill our memory. */
const mostAtOnce = 10_000;

/** What the front is told next. */
export type Next = { readonly challenge: Uint8Array } | { readonly verdict: Verdict };

interface Exchange {
  /** Gives the client's next message; undefined: there will be none. */
  message(octets: Uint8Array | undefined): void;
  /** Resolves to what comes after it. */
  next: Promise<Next>;
}

export class Exchanges {
  readonly #exchanges = new Map<number, Exchange>();

  /** Begins the conversation `id`. Resolves to what the client hears first. */
  begin(id: number, opening: Opening, initial: Uint8Array | undefined, around: Surroundings): Promise<Next> {
    this.abandon(id);
    if (this.#exchanges.size >= mostAtOnce) return Promise.reject(new Gone("too many conversations"));
    let told = Promise.withResolvers<Next>();
    let heard: PromiseWithResolvers<Uint8Array> | undefined;
    const exchange: Exchange = {
      message: (octets) => {
        if (octets === undefined) heard?.reject(new Gone("cancelled"));
        else heard?.resolve(octets);
      },
      next: told.promise,
    };
    const peer: Peer = {
      // The message that brought it is wiped once it is answered.
      initial: initial && wipeableCopy(initial),
      challenge: async (challenge) => {
        const before = told;
        told = Promise.withResolvers();
        exchange.next = told.promise;
        heard = Promise.withResolvers();
        const late = setTimeout(() => heard?.reject(new Gone("late")), patienceSeconds * 1000);
        before.resolve({ challenge });
        try {
          return await heard.promise;
        } finally {
          clearTimeout(late);
        }
      },
    };
    this.#exchanges.set(id, exchange);
    const first = told.promise;
    void converse(opening, peer, around)
      .finally(() => {
        peer.initial?.fill(0);
        if (this.#exchanges.get(id) === exchange) this.#exchanges.delete(id);
      })
      .then(
        (verdict) => told.resolve({ verdict }),
        (error) => told.reject(error),
      );
    first.catch(() => {});
    return first;
  }

  /** The client's next message in the conversation `id`. Throws Gone when there is none. */
  async message(id: number, octets: Uint8Array): Promise<Next> {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) throw new Gone("no such conversation");
    const { next } = exchange;
    const copy = wipeableCopy(octets);
    exchange.message(copy);
    try {
      return await next;
    } finally {
      copy.fill(0);
    }
  }

  abandon(id: number): void {
    const exchange = this.#exchanges.get(id);
    this.#exchanges.delete(id);
    exchange?.next.catch(() => {});
    exchange?.message(undefined);
  }

  close(): void {
    for (const id of [...this.#exchanges.keys()]) this.abandon(id);
  }
}
