/** What a client says with an access token: OAUTHBEARER (RFC 7628 §3.1), and XOAUTH2, which came before it. */
import { Secret } from "../checkpassword/secret.ts";
import { isUserName } from "./user-name.ts";

export interface Bearer {
  /** As whom the client wants to act; empty when it does not say. latin1 text of UTF-8. */
  readonly user: string;
  /** To be wiped. */
  readonly token: Secret;
}

const separator = 0x01;
/** RFC 6750 §2.1: b64token. */
const tokenOctet = new Set(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="].map((c) => c.charCodeAt(0)),
);

/** `gs2-header ^A (key=value ^A)… ^A`, with auth=Bearer TOKEN among them; undefined when it is something else. */
export function readOauthBearer(message: Uint8Array): Bearer | undefined {
  const [header, ...rest] = fieldsOf(message);
  if (header === undefined) return undefined;
  const [, asked = ""] = /^[ny],(?:a=([^,]*))?,$/.exec(textOf(header)) ?? [undefined, undefined];
  if (asked === undefined || !/^[ny],(?:a=[^,]*)?,$/.test(textOf(header))) return undefined;
  if (/=(?!2C|3D)/.test(asked)) return undefined;
  return bearerOf(asked.replaceAll("=2C", ",").replaceAll("=3D", "="), rest);
}

/** `user=NAME ^A auth=Bearer TOKEN ^A ^A`. */
export function readXoauth2(message: Uint8Array): Bearer | undefined {
  const [first, ...rest] = fieldsOf(message);
  const [, user] = (first && /^user=([^\x01]+)$/.exec(textOf(first))) ?? [];
  return user === undefined ? undefined : bearerOf(user, rest);
}

/** The fields in front of the empty one that ends the message; none when it does not end so. Views. */
function fieldsOf(message: Uint8Array): Uint8Array[] {
  const { length } = message;
  if (length < 2 || message[length - 1] !== separator || message[length - 2] !== separator) return [];
  const fields: Uint8Array[] = [];
  for (let from = 0; from < length - 1; ) {
    const to = message.indexOf(separator, from);
    fields.push(message.subarray(from, to));
    from = to + 1;
  }
  return fields;
}

function bearerOf(user: string, fields: readonly Uint8Array[]): Bearer | undefined {
  if (user !== "" && !isUserName(Buffer.from(user, "latin1"))) return undefined;
  const auth = fields.filter((field) => /^auth=bearer /i.test(textOf(field.subarray(0, 12))));
  const [field] = auth;
  if (field === undefined || auth.length > 1) return undefined;
  const token = field.subarray("auth=Bearer ".length);
  if (token.length === 0 || !token.every((octet) => tokenOctet.has(octet))) return undefined;
  return { user, token: Secret.copyOf(token) };
}

const textOf = (octets: Uint8Array) => Buffer.from(octets).toString("latin1");
