/**
 * Passwords that were right a moment ago. A mail program logs in for every message it fetches or sends; it should
 * not pay the slow hash each time. What is kept is a keyed hash, in memory alone, for minutes. It is made of the
 * stored hash too: once the password is changed, nothing that is kept fits any more. Wrong passwords are never kept,
 * so a guess costs what it costs.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { PasswordHash } from "../control/password-hash.ts";
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

  /** True when `secret` was right for this stored hash not long ago. */
  has(hash: PasswordHash, secret: Secret, now: number): boolean {
    const trace = this.#traceOf(hash, secret);
    const until = this.#until.get(trace);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(trace);
    return false;
  }

  /** `secret` was just found to be right for this stored hash. */
  add(hash: PasswordHash, secret: Secret, now: number): void {
    const trace = this.#traceOf(hash, secret);
    this.#until.delete(trace);
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size < this.#capacity) break;
      this.#until.delete(oldest);
    }
    this.#until.set(trace, now + this.#lastsSeconds * 1000);
  }

  #traceOf({ salt, tag }: PasswordHash, secret: Secret): string {
    // Salt and tag have lengths of their own: without them two pairs could read the same.
    const lengths = Buffer.of(salt.length, tag.length);
    return createHmac("sha256", this.#key)
      .update(lengths)
      .update(salt)
      .update(tag)
      .update(secret.reveal())
      .digest("base64");
  }
}
