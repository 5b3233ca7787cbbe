/**
 * Names and passwords beyond ASCII, in the one form that all ways to type them come to: SASLprep (RFC 4013), as PLAIN
 * (RFC 4616 §4) and SCRAM (RFC 5802 §5.1) have it. ASCII is that form, and so is, here, what is not UTF-8: old clients send
 * octets.
 */

import { Secret } from "../protocol/checkpassword/secret.ts";
import { wipeableCopy } from "../protocol/wipeable.ts";

/** The prepared name, latin1 text of UTF-8. */
export async function preparedName(name: string): Promise<string> {
  if (!/[\x80-\xff]/.test(name)) return name;
  return Buffer.from(await prepared(Buffer.from(name, "latin1"))).toString("latin1");
}

/** The prepared password: the same one, or a new one that is to be wiped as well. */
export async function preparedSecret(secret: Secret): Promise<Secret> {
  const octets = secret.reveal();
  if (octets.every((octet) => octet < 0x80)) return secret;
  return new Secret(await prepared(octets));
}

async function prepared(octets: Uint8Array): Promise<Uint8Array> {
  const { default: saslprep } = await import("@mongodb-js/saslprep");
  try {
    return Buffer.from(saslprep(new TextDecoder("utf-8", { fatal: true }).decode(octets)), "utf8");
  } catch {
    return wipeableCopy(octets); // prohibited in RFC 4013: then it must be the same octets
  }
}
