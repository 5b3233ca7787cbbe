/**
 * Stored SCRAM verifiers, beside the hash of the same password in users/passwd:
 *
 *     $argon2id$v=19$m=32768,t=2,p=1$…$…;$scram-sha-256$i=65536$SALT$STOREDKEY$SERVERKEY
 *
 * Base64 without padding. Who has none, and who is nobody, gets one that no password fits, always the same for the
 * same name: it is made with the octets of users/scramkey. RFC 5802 §9
 */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { resolve } from "node:path";
import type { Secret } from "../protocol/checkpassword/secret.ts";
import { type ScramVerifier, scramVerifier } from "../protocol/sasl/scram.ts";
import { CannotOpen } from "../system/system.ts";
import { parseVerifier } from "./stored-password.ts";
import type { User, UsersReader } from "./users.ts";

/** Where the key of made-up verifiers is kept, from our home folder on. Mode 600. */
export const scramKeyFile = "users/scramkey";

/** What a new users/scramkey has in it. */
export const newScramKey = () => `${randomBytes(32).toString("hex")}\n`;

/** What new verifiers cost the client: 30 ms of a computer, 100 ms of a telephone. */
const iterations = 65_536;

/** The verifier to store for a new password, which is prepared (RFC 4013). */
export const newVerifier = (secret: Secret) => scramVerifier(secret, randomBytes(16), iterations);

/** The verifier of `user`; for everybody else one that no password fits. `name` is latin1. Throws CannotOpen. */
export async function verifierOf(
  reader: UsersReader,
  users: ReadonlyMap<string, User>,
  name: string,
  user: User | undefined,
): Promise<ScramVerifier> {
  // Made in any case, so that it takes the same time.
  const madeUp = pretended(await readKey(reader), users, name);
  return (user && storedFor(user)) ?? madeUp;
}

const stored = new WeakMap<User, ScramVerifier | undefined>();

/** The verifier of `user`, taken apart once: who is known must not take longer than who is not. */
function storedFor(user: User): ScramVerifier | undefined {
  if (!stored.has(user)) stored.set(user, parseVerifier(user.hash));
  return stored.get(user);
}

async function readKey(reader: UsersReader): Promise<Uint8Array> {
  const path = resolve(reader.home(), scramKeyFile);
  const key = await reader.readFile(path);
  if (key === undefined || key.length < 32) throw new CannotOpen(path, key === undefined ? "ENOENT" : "EIO");
  return key;
}

function pretended(key: Uint8Array, users: ReadonlyMap<string, User>, name: string): ScramVerifier {
  const octets = (what: string) => createHmac("sha256", key).update(`${what}\0${name}`, "latin1").digest();
  const salt = octets("salt").subarray(0, 16);
  // As many iterations as somebody has: a number of its own would tell.
  const counts = countsOf(users);
  const count = counts[(octets("iterations").readUInt32BE(0) % counts.length) | 0] ?? iterations;
  const storedKey = createHash("sha256").update(octets("stored")).digest();
  return { iterations: count, salt, storedKey, serverKey: octets("server") };
}

const known = new WeakMap<ReadonlyMap<string, User>, readonly number[]>();

function countsOf(users: ReadonlyMap<string, User>): readonly number[] {
  let counts = known.get(users);
  if (counts === undefined) {
    counts = [...users.values()].flatMap(({ hash }) => parseVerifier(hash)?.iterations ?? []);
    known.set(users, counts.length === 0 ? [iterations] : counts);
  }
  return known.get(users) ?? counts;
}
