/** What is stored of a new password: the second field of users/passwd, made. */
import type { Secret } from "../protocol/checkpassword/secret.ts";
import { listOf } from "./control.ts";
import { hashPassword } from "./password-hash.ts";
import { preparedSecret } from "./prepare.ts";
import { newVerifier } from "./scram-verifiers.ts";
import { formatVerifier } from "./stored-password.ts";

/**
 * The field for a password, which stays the caller's to wipe. `mechanisms`: the text of control/authmechanisms. Where it
 * names no SCRAM there is no verifier: the hash alone is harder to guess from.
 */
export async function newField(given: Secret, mechanisms: string | undefined): Promise<string> {
  const secret = await preparedSecret(given);
  const hash = await hashPassword(secret);
  const wanted = mechanisms === undefined || listOf(mechanisms).some((line) => /^SCRAM-/i.test(line));
  const field = wanted ? `${hash};${formatVerifier(await newVerifier(secret))}` : hash;
  if (secret !== given) secret.wipe();
  return field;
}
