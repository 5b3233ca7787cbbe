/**
 * What travels on descriptor 3: three fields, each ended by NUL: user, password, timestamp. Then the end of file.
 * Source: checkpassword's interface page.
 */
import { wipeable } from "../wipeable.ts";
import { Secret } from "./secret.ts";

/** checkpassword takes no more than this, in all. */
export const maximumOctets = 512;

export interface Fields {
  /** latin1 text. */
  readonly user: string;
  readonly secret: Secret;
  /** latin1 text; empty except for POP3. What was hashed with the secret, in APOP and the like. */
  readonly timestamp: string;
}

/** The bytes for descriptor 3, always exactly three NUL-ended fields; undefined when they are too many. */
export function formatFields({ user, secret, timestamp }: Fields): Uint8Array | undefined {
  const octets = user.length + secret.length + timestamp.length + 3;
  if (octets > maximumOctets) return undefined;
  const bytes = wipeable(octets);
  bytes.set(Buffer.from(user, "latin1"));
  bytes.set(secret.reveal(), user.length + 1);
  bytes.set(Buffer.from(timestamp, "latin1"), user.length + secret.length + 2);
  return bytes;
}

/**
 * Takes the bytes of descriptor 3 apart; what follows the timestamp is nobody's. The secret is a copy. Undefined
 * when there are fewer than two ended fields. The last field may lack its NUL, as from the oldest callers.
 */
export function parseFields(bytes: Uint8Array): Fields | undefined {
  const first = bytes.indexOf(0);
  const second = first < 0 ? -1 : bytes.indexOf(0, first + 1);
  if (second < 0) return undefined;
  const third = bytes.indexOf(0, second + 1);
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString("latin1");
  return {
    user: text(0, first),
    secret: Secret.copyOf(bytes.subarray(first + 1, second)),
    timestamp: text(second + 1, third < 0 ? bytes.length : third),
  };
}
