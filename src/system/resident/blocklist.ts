/** The master's word to blocklistd(8): what fronts report of logins, said by a helper, which may wait for it. */
import { Helpers } from "../c-library/helpers.ts";
import { blocklistLibrary, type Told } from "../c-library/libblocklist.ts";
import { duplicateFrom } from "../native.ts";
import type { Service } from "./service.ts";

const sayAgainMs = 60_000;

export class Blocklist {
  #helpers: Helpers | undefined;
  #saidAt = Number.NEGATIVE_INFINITY;

  /** `listening` is the socket the client came to. `say` gets at most one line a minute: why nobody was told. */
  tell({ env }: Service, told: Told, listening: number, say: (line: string) => void): void {
    const library = env["ACCEPTUTILS_BLOCKLIST"] ?? blocklistLibrary();
    if (library === undefined || library === "") return;
    // More than these wait for a daemon that is stuck: it will hear of the next one.
    const title = "acceptutils: blocklist helper";
    this.#helpers ??= new Helpers({ atOnce: 1, waiting: 100, seconds: 10, idleSeconds: 60, title });
    const socket = duplicateFrom(listening, 3);
    this.#helpers
      .perform({ do: "blocklist", library, ...told }, undefined, [socket])
      .then(
        ({ unable }) => unable,
        (error: Error) => error.message,
      )
      .then((why) => {
        if (why === undefined || Date.now() - this.#saidAt < sayAgainMs) return;
        this.#saidAt = Date.now();
        say(`warning: blocklistd was not told of ${told.client}: ${why}`);
      });
  }

  close(): void {
    this.#helpers?.close();
  }
}
