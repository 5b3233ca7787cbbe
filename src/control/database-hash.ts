/**
 * Stored passwords as databases have them: argon2id in the PHC format, SCRAM-SHA-256 as PostgreSQL keeps it, and any
 * hash of crypt(3). A scheme in braces in front, as Dovecot has it, is passed over: the hash says by itself what it is.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Secret } from "../protocol/checkpassword/secret.ts";
import { matches, parseHash } from "./password-hash.ts";

/** Compares a password with a stored one. crypt(3) is the machine's, and not ours to call. */
export type Compare = (
  secret: Secret,
  crypt: (hash: string, secret: Secret) => Promise<boolean>,
) => Promise<boolean>;

/** How a stored password (latin1) is compared; undefined when it is none: then nobody may log in with it. */
export function comparisonOf(stored: string): Compare | undefined {
  const hash = stored.replace(/^\{[A-Z0-9.-]+\}/, "");
  const argon2id = parseHash(hash);
  if (argon2id !== undefined) return (secret) => matches(argon2id, secret);
  const scram = parseScram(hash);
  if (scram !== undefined) return (secret) => matchesScram(scram, secret);
  if (!/^(?:[./0-9A-Za-z]{13}|(?:\$[a-z0-9]|_)[^\x00-\x20:;*!\\\x7f-\xff]{11,})$/.test(hash))
    return undefined;
  return (secret, crypt) => crypt(hash, secret);
}

interface Scram {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
}

const keyOctets = 32;
/** No entry may make one login cost minutes. */
const mostIterations = 10_000_000;

/** `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`, base64. RFC 5803 without its braces; PostgreSQL, pg_authid. */
function parseScram(hash: string): Scram | undefined {
  const parts =
    /^SCRAM-SHA-256\$([1-9]\d{0,8}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):[A-Za-z0-9+/]{43}=$/.exec(
      hash,
    );
  if (parts === null || Number(parts[1]) > mostIterations) return undefined;
  const [salt, storedKey] = parts.slice(2).map((base64) => Buffer.from(base64, "base64"));
  if (salt === undefined || storedKey === undefined) return undefined;
  return { iterations: Number(parts[1]), salt, storedKey };
}

const derive = promisify(pbkdf2);

/** RFC 5802 §3: StoredKey = H(HMAC(SaltedPassword, "Client Key")). The password is taken as the octets it came as. */
async function matchesScram({ iterations, salt, storedKey }: Scram, secret: Secret): Promise<boolean> {
  const salted = await derive(secret.reveal(), salt, iterations, keyOctets, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  return timingSafeEqual(createHash("sha256").update(clientKey).digest(), storedKey);
}
