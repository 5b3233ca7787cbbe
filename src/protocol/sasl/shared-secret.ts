/** Mechanisms that hash a challenge with the password itself: CRAM-MD5 (RFC 2195) and APOP (RFC 1939 §7). */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../checkpassword/secret.ts";
import { isUserName } from "./user-name.ts";

/** A response: who, and 32 hexadecimal digits. */
export interface Digest {
  /** latin1 text of UTF-8. */
  readonly user: string;
  readonly digest: Uint8Array;
}

/** `user SP digest`; undefined when it is something else. The name may have no blank, so the first one ends it. */
export function readDigest(message: Uint8Array): Digest | undefined {
  const [, user = "", digits = ""] =
    /^([^ ]+) ([0-9a-fA-F]{32})$/.exec(Buffer.from(message).toString("latin1")) ?? [];
  if (!isUserName(Buffer.from(user, "latin1"))) return undefined;
  return { user, digest: Buffer.from(digits, "hex") };
}

/** RFC 2195 §2: keyed MD5 of the challenge. */
export function isCramMd5({ digest }: Digest, challenge: Uint8Array, secret: Secret): boolean {
  return timingSafeEqual(createHmac("md5", secret.reveal()).update(challenge).digest(), digest);
}

/** RFC 1939 §7: MD5 of the time stamp and the password. */
export function isApop({ digest }: Digest, stamp: Uint8Array, secret: Secret): boolean {
  return timingSafeEqual(createHash("md5").update(stamp).update(secret.reveal()).digest(), digest);
}
