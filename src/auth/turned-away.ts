import { networkOf } from "./network.ts";

/** Networks that are not served for the time being, as the keeper of the book tells everybody who accepts. */
export class TurnedAway {
  /** Until when, in milliseconds since 1970. */
  readonly #until = new Map<string, number>();

  /** `network` as networkOf() names it; 0 seconds: served again. */
  tell(network: string, seconds: number, now: number): void {
    if (seconds > 0) this.#until.set(network, now + seconds * 1000);
    else this.#until.delete(network);
  }

  has(client: string, now: number): boolean {
    if (this.#until.size === 0) return false;
    const network = networkOf(client) ?? "";
    const until = this.#until.get(network);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(network);
    return false;
  }
}
