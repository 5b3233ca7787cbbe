/** checkpassword's question, whole: the fields of descriptor 3, and whether they are right. checkpassword(8) */
import type { Question } from "../auth/backend.ts";
import { maximumOctets, parseFields } from "../protocol/checkpassword/fields.ts";
import type { Account } from "../system/system.ts";

/** What checkpassword exits with by itself. checkpassword(8), EXIT CODES */
export const exit = { unacceptable: 1, misused: 2, temporary: 111 } as const;

/**
 * The account that `user\0password\0timestamp\0` is right for; else the exit code that checkpassword gives.
 * `client` is an address, or empty. The bytes are the caller's to wipe. Throws what `ask` throws.
 */
export async function verifyFields(
  bytes: Uint8Array,
  client: string,
  ask: (question: Question) => Promise<Account | undefined>,
): Promise<Account | number> {
  if (bytes.length > maximumOctets) return exit.unacceptable;
  const fields = parseFields(bytes);
  if (fields === undefined) return exit.misused;
  using secret = fields.secret;
  return (await ask({ ...fields, secret, client })) ?? exit.unacceptable;
}
