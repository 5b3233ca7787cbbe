/** checkpassword's question, whole: the fields of descriptor 3, and whether they are right. checkpassword(8) */
import { maximumOctets, parseFields } from "../protocol/checkpassword/fields.ts";
import type { Secret } from "../protocol/checkpassword/secret.ts";
import type { Account } from "../system/system.ts";
import { type UsersReader, verify } from "./users.ts";

/** What checkpassword exits with by itself. checkpassword(8), EXIT CODES */
export const exit = { unacceptable: 1, misused: 2, temporary: 111 } as const;

/** Answers a name (latin1) and a secret: `verify`, or something in front of it. */
export type Ask = (user: string, secret: Secret) => Promise<Account | undefined>;

/**
 * The account that `user\0password\0timestamp\0` is right for; else the exit code that checkpassword gives.
 * The bytes are the caller's to wipe. Throws CannotOpen when the users cannot be read.
 */
export async function verifyFields(
  reader: UsersReader,
  bytes: Uint8Array,
  ask: Ask = (user, secret) => verify(reader, user, secret),
): Promise<Account | number> {
  if (bytes.length > maximumOctets) return exit.unacceptable;
  const fields = parseFields(bytes);
  if (fields === undefined) return exit.misused;
  using secret = fields.secret;
  return (await ask(fields.user, secret)) ?? exit.unacceptable;
}
