/**
 * Passwords that were right a moment ago. A mail program logs in for every message it fetches or sends; it should
 * not pay the slow hash each time. What is kept is a keyed hash, in memory alone, for minutes. It is made of the
 * stored hash too: once the password is changed, nothing that is kept fits any more. Wrong passwords are never kept,
 * so a guess costs what it costs.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Secret } from "../protocol/checkpassword/secret.ts";

export class KnownGood {
  readonly #key = randomBytes(32);
  readonly #lastsSeconds: number;
  readonly #capacity: number;
  /** Until when, in milliseconds since 1970; the oldest first. */
  readonly #until = new Map<string, number>();

  constructor({ lastsSeconds = 300, capacity = 10_000 } = {}) {
    this.#lastsSeconds = lastsSeconds;
    this.#capacity = capacity;
  }

  /** True when `secret` was right for what is stored not long ago. */
  has(stored: Uint8Array, secret: Secret, now: number): boolean {
    const trace = this.#traceOf(stored, secret);
    const until = this.#until.get(trace);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(trace);
    return false;
  }

  /** `secret` was just found to be right for what is stored. */
  add(stored: Uint8Array, secret: Secret, now: number): void {
    const trace = this.#traceOf(stored, secret);
    this.#until.delete(trace);
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size < this.#capacity) break;
      this.#until.delete(oldest);
    }
    this.#until.set(trace, now + this.#lastsSeconds * 1000);
  }

  #traceOf(stored: Uint8Array, secret: Secret): string {
    // Its length too: without it two pairs could read the same.
    const length = Buffer.alloc(4);
    length.writeUInt32BE(stored.length);
    return createHmac("sha256", this.#key)
      .update(length)
      .update(stored)
      .update(secret.reveal())
      .digest("base64");
  }
}
