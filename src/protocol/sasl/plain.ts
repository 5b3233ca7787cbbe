import { Secret } from "../checkpassword/secret.ts";
import type { Credentials } from "./exchange.ts";
import { isUserName } from "./user-name.ts";

/**
 * Takes apart a PLAIN message, `[authzid] NUL authcid NUL passwd` (RFC 4616 §2). Undefined when it is none, or
 * when the client wishes to act as somebody else than who it proves to be. The password is a copy.
 */
export function parsePlain(message: Uint8Array): Credentials | undefined {
  const first = message.indexOf(0);
  const second = first < 0 ? -1 : message.indexOf(0, first + 1);
  if (second < 0 || message.indexOf(0, second + 1) >= 0) return undefined;
  const authzid = Buffer.from(message.subarray(0, first));
  const authcid = message.subarray(first + 1, second);
  const password = message.subarray(second + 1);
  if (!isUserName(authcid) || password.length === 0) return undefined;
  if (authzid.length > 0 && !authzid.equals(authcid)) return undefined;
  return { user: Buffer.from(authcid).toString("latin1"), secret: Secret.copyOf(password) };
}
