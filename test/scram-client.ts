/** The client's part of SCRAM-SHA-256, from RFC 5802 §3 alone: for tests that need to see every message. */
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

const bytes = (text: string) => Buffer.from(text, "latin1");

/** client-final-message for this challenge. `first`: the client-first-message; `channel`: what it binds to. */
export function scramFinal(
  password: string,
  first: string,
  challenge: string,
  channel: Uint8Array = new Uint8Array(0),
): string {
  const [, header = "", bare = ""] = /^([^,]*,[^,]*,)(.*)$/s.exec(first) ?? [];
  const [, nonce = "", salt = "", count = ""] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(challenge) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(count), 32, "sha256");
  const key = createHmac("sha256", salted).update("Client Key").digest();
  const stored = createHash("sha256").update(key).digest();
  const bound = Buffer.concat([bytes(header), channel]).toString("base64");
  const without = `c=${bound},r=${nonce}`;
  const signature = createHmac("sha256", stored)
    .update(bytes(`${bare},${challenge},${without}`))
    .digest();
  return `${without},p=${Buffer.from(key.map((octet, at) => octet ^ signature[at]!)).toString("base64")}`;
}
