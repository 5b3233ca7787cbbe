/** How many sessions of a service each address has, and whether it may have one more (-C). */
import { ownAddresses } from "../addresses.ts";
import type { Service } from "./service.ts";

/** Sessions of one address at once, unless -C says otherwise. */
const usualLimit = 50;

export class SessionsByAddress {
  /** At once. */
  readonly limit: number;
  /** Without -C our own addresses have no limit. */
  readonly #own: boolean;
  readonly #sessions = new Map<string, number>();

  constructor({ limitPerAddress }: Pick<Service, "limitPerAddress">) {
    this.limit = limitPerAddress ?? usualLimit;
    this.#own = limitPerAddress === undefined;
  }

  of(address: string): number {
    return this.#sessions.get(address) ?? 0;
  }

  tooMany(address: string): boolean {
    if (this.of(address) < this.limit) return false;
    return !(this.#own && ownAddresses().has(address));
  }

  add(address: string): void {
    this.#sessions.set(address, this.of(address) + 1);
  }

  remove(address: string): void {
    const left = this.of(address) - 1;
    if (left > 0) this.#sessions.set(address, left);
    else this.#sessions.delete(address);
  }
}
