/** Whoever knows users and passwords: a file, the system's accounts, a directory. One interface for all of them. */
import type { Secret } from "../protocol/checkpassword/secret.ts";
import type { ScramVerifier } from "../protocol/sasl/scram.ts";
import type { Account } from "../system/system.ts";

/** Is this the password of that user? */
export interface Question {
  /** latin1. */
  readonly user: string;
  readonly secret: Secret;
  /** latin1; empty except for POP3: what checkpassword is told after the password. */
  readonly timestamp: string;
  /** The address of the client; empty when nobody knows it. */
  readonly client: string;
}

/**
 * Does the costly part of an answer, when it is its turn. `stored` is what the password is compared with, for a backend
 * that sees it: a password that was right for it a moment ago is right without `work`.
 */
export type Check = (work: () => Promise<boolean>, stored?: Uint8Array) => Promise<boolean>;

export interface Backend {
  /** The check costs somebody else's time, not this machine's: more of them may be under way at once. */
  readonly remote?: boolean;
  /**
   * What the session becomes when the password is right; undefined when it is not. Calls `check` once, whatever is
   * wrong, and takes the same time for it as far as we can see to that: a user that there is not, one that is locked
   * and uid 0 go the way of a wrong password. Leaves wiping the secret to the caller.
   * Throws Unable, and CannotOpen.
   */
  verify(question: Question, check: Check): Promise<Account | undefined>;
  /** What mechanisms other than a name and a password need; undefined where passwords can only be tried. */
  readonly stored?: Stored;
  /** Lets go of connections and processes. */
  close?(): void;
}

/** A backend that sees what is stored of a user. Names are latin1; who there is not costs the same. Throws CannotOpen. */
export interface Stored {
  /** What SCRAM checks a proof with; without an account, no proof fits. RFC 5802 §3 */
  scram(user: string): Promise<{ readonly verifier: ScramVerifier; readonly account: Account | undefined }>;
  /** The password itself, of those who have it stored; a made-up one for all others. To be wiped. */
  clear(user: string): Promise<{ readonly secret: Secret; readonly account: Account | undefined }>;
  /** What `user` becomes, when something else has shown who it is. */
  account(user: string): Promise<Account | undefined>;
  /** Whose access token it is, when it is of `asked`, or `asked` is empty. Throws Unable. */
  userOfToken(token: Secret, asked: string): Promise<string | undefined>;
  /** Whom a certificate of these names stands for: control/certificateusers. */
  usersOf(certificate: readonly string[]): Promise<readonly string[]>;
}

/** The check itself, at once. */
export const atOnce: Check = (work) => work();

/** Nobody knows whether the password is right: the message, for the log, says why. Try again later. */
export class Unable extends Error {
  override readonly name = "Unable";
}
