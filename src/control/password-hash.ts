/**
 * Stored passwords: argon2id (RFC 9106) in the PHC string format,
 * `$argon2id$v=19$m=KIBIBYTES,t=PASSES,p=LANES$SALT$TAG`, base64 without padding.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import type { Secret } from "../protocol/checkpassword/secret.ts";
import { partsOf, unpadded } from "./stored-password.ts";

/** A hash, taken apart. */
export interface PasswordHash {
  readonly memoryKibibytes: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

/** What new hashes cost: 50 to 60 ms of one core of a small server, and 32 MiB while it lasts. */
export const currentCost = { memoryKibibytes: 32_768, passes: 2, lanes: 1 } as const;

const saltOctets = 16;
const tagOctets = 32;
/** No entry may make one login cost more than this: 1 GiB, or minutes. */
const dearest = { memoryKibibytes: 1 << 20, passes: 64, lanes: 16 };

/** The hash of a new password. */
export async function hashPassword(secret: Secret): Promise<string> {
  const salt = randomBytes(saltOctets);
  return formatHash({ ...currentCost, salt, tag: await tagOf(secret, { ...currentCost, salt }, tagOctets) });
}

/** True when `secret` is the password that `hash` was made of. Takes the same time either way. */
export async function matches(hash: PasswordHash, secret: Secret): Promise<boolean> {
  const tag = await tagOf(secret, hash, hash.tag.length);
  return timingSafeEqual(tag, hash.tag);
}

/** A hash of the same cost that no password matches: unknown users are checked against it. */
export function unmatchable({ memoryKibibytes, passes, lanes }: Cost): PasswordHash {
  return { memoryKibibytes, passes, lanes, salt: randomBytes(saltOctets), tag: randomBytes(tagOctets) };
}

type Cost = Pick<PasswordHash, "memoryKibibytes" | "passes" | "lanes">;

const argon2id =
  /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The hash in a field of users/passwd, taken apart; undefined when it has no argon2id hash that we would compute. */
export function parseHash(field: string): PasswordHash | undefined {
  const parts = partsOf(field)
    .map((part) => argon2id.exec(part))
    .find((found) => found !== null);
  if (parts === undefined) return undefined;
  const [memoryKibibytes = 0, passes = 0, lanes = 0] = parts.slice(1, 4).map(Number);
  const [salt, tag] = parts.slice(4).map((base64) => Buffer.from(base64, "base64"));
  if (salt === undefined || tag === undefined) return undefined;
  const computable =
    memoryKibibytes >= 8 * lanes &&
    memoryKibibytes <= dearest.memoryKibibytes &&
    passes >= 1 &&
    passes <= dearest.passes &&
    lanes >= 1 &&
    lanes <= dearest.lanes &&
    salt.length >= 8 &&
    tag.length >= 16 &&
    tag.length <= 64;
  return computable ? { memoryKibibytes, passes, lanes, salt, tag } : undefined;
}

export function formatHash({ memoryKibibytes, passes, lanes, salt, tag }: PasswordHash): string {
  const cost = `m=${memoryKibibytes},t=${passes},p=${lanes}`;
  return `$argon2id$v=19$${cost}$${unpadded(salt)}$${unpadded(tag)}`;
}

function tagOf(
  secret: Secret,
  { memoryKibibytes, passes, lanes, salt }: Omit<PasswordHash, "tag">,
  tagLength: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2(
      "argon2id",
      {
        message: secret.reveal(),
        nonce: salt,
        memory: memoryKibibytes,
        passes,
        parallelism: lanes,
        tagLength,
      },
      (error, tag) => (error === null ? resolve(tag) : reject(error)),
    );
  });
}
