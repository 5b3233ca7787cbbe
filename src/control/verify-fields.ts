/** checkpassword's question, whole: the fields of descriptor 3, and whether they are right. checkpassword(8) */
import { Secret } from "../protocol/checkpassword/secret.ts";
import type { Account } from "../system/system.ts";
import { type UsersReader, verify } from "./users.ts";

/** Exit codes of the interface. */
const unacceptable = 1;
const misused = 2;

/** All that may arrive on descriptor 3. */
const maximumOctets = 512;

/**
 * The account that `user\0password\0timestamp\0` is right for; else the exit code that checkpassword gives.
 * The bytes are the caller's to wipe. Throws CannotOpen when the users cannot be read.
 */
export async function verifyFields(reader: UsersReader, fields: Uint8Array): Promise<Account | number> {
  if (fields.length > maximumOctets) return unacceptable;
  const userEnds = fields.indexOf(0);
  const secretEnds = fields.indexOf(0, userEnds + 1);
  if (userEnds < 0 || secretEnds < 0) return misused;
  const user = Buffer.from(fields.subarray(0, userEnds)).toString("latin1");
  const secret = new Secret(fields.subarray(userEnds + 1, secretEnds));
  return (await verify(reader, user, secret)) ?? unacceptable;
}
