/** What qmail-queue has written into the queue itself, because qmail-send was not there to take it. */
import { type Channel, channel, type QueueStore } from "../../system/queue/store.ts";

const atOnce = 1000;

export class Adoption {
  readonly #store: QueueStore;
  readonly #route: (address: string) => Channel;
  #version: number | undefined;

  /** `route` is the way to an address, by the control files of the moment. */
  constructor(store: QueueStore, route: (address: string) => Channel) {
    this.#store = store;
    this.#route = route;
  }

  /** Routes what was written since the last look. Returns the numbers of these messages. */
  look(): Set<number> {
    const adopted = new Set<number>();
    // Read before the rows are: what is written while we look is found by the next look, not by none.
    const version = this.#store.version();
    if (version === this.#version) return adopted;
    for (;;) {
      const found = this.#store.due(channel.new, Number.MAX_SAFE_INTEGER, atOnce);
      if (found.length === 0) break;
      this.#store.transact(() => {
        for (const { id, address, message } of found) {
          this.#store.route(id, this.#route(address));
          adopted.add(message);
        }
      });
    }
    this.#version = version;
    return adopted;
  }
}
