/** One login as a client of Dovecot's auth process asks for it, and the user's entry as another one does. */
import type { Secret } from "../checkpassword/secret.ts";
import { fieldOf, fieldsOf, parametersOf } from "./line.ts";

/** Versions that we speak: Dovecot's since 2.0. */
const versions = { client: "VERSION\t1\t2\n", master: "VERSION\t1\t1\n" };

export interface DovecotQuestion {
  /** latin1. */
  readonly user: string;
  readonly secret: Secret;
  /** smtp or pop3; Dovecot's settings can tell them apart. */
  readonly protocol: string;
  /** An address; may be empty. */
  readonly client: string;
  /** Who fails is made to wait by us: Dovecot need not. */
  readonly noPenalty: boolean;
}

/** The bytes that ask whether a password is right, which are to be wiped. `pid` is a number that nobody else has. */
export function formatLogin(pid: number, question: DovecotQuestion): Uint8Array {
  const { user, secret, protocol, client, noPenalty } = question;
  const address = client === "" ? "" : `\trip=${fieldOf(client)}`;
  const penalty = noPenalty ? "\tno-penalty" : "";
  const head = `${versions.client}CPID\t${pid}\nAUTH\t1\tPLAIN\tservice=${protocol}\tnologin${address}\tsecured${penalty}\tresp=`;
  const message = Buffer.alloc(user.length + secret.length + 2);
  message.write(user, 1, "latin1");
  message.set(secret.reveal(), user.length + 2);
  const response = base64(message);
  message.fill(0);
  const bytes = Buffer.concat([Buffer.from(head, "latin1"), response, Buffer.from("\n")]);
  response.fill(0);
  return bytes;
}

/** The bytes that ask for the entry of a user. */
export const formatLookUp = (user: string, protocol: string): Uint8Array =>
  Buffer.from(`${versions.master}USER\t1\t${fieldOf(user)}\tservice=${protocol}\n`, "latin1");

export type DovecotAnswer =
  /** `locked`: the user is not to be let in all the same. */
  | { readonly is: "right"; readonly parameters: ReadonlyMap<string, string>; readonly locked: boolean }
  | { readonly is: "found"; readonly parameters: ReadonlyMap<string, string> }
  | { readonly is: "wrong" }
  | { readonly is: "notFound" }
  /** It cannot say; or it speaks something else. */
  | { readonly is: "unable"; readonly why: string };

/** What a line of the auth process says of our question 1; undefined: nothing yet. */
export function answerIn(line: string): DovecotAnswer | undefined {
  const [verb = "", ...fields] = fieldsOf(line);
  if (verb === "VERSION") {
    return fields[0] === "1"
      ? undefined
      : { is: "unable", why: `it speaks version ${fields[0]} of its protocol` };
  }
  if (fields[0] !== "1") return undefined;
  const parameters = parametersOf(fields.slice(1));
  switch (verb) {
    case "OK":
      return { is: "right", parameters, locked: parameters.has("nologin") };
    case "USER":
      return { is: "found", parameters };
    case "NOTFOUND":
      return { is: "notFound" };
    case "FAIL":
      return parameters.has("temp")
        ? { is: "unable", why: "it has a temporary failure of its own" }
        : { is: "wrong" };
    case "CONT":
      return { is: "unable", why: "it asks for more than name and password" };
    default:
      return undefined;
  }
}

const alphabet = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** As octets that can be wiped: no string ever has them. RFC 4648 §4 */
function base64(bytes: Uint8Array): Buffer {
  const out = Buffer.alloc(4 * Math.ceil(bytes.length / 3), "=");
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const left = bytes.length - from;
    const group = (bytes[from]! << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    for (let digit = 0; digit < Math.min(4, left + 1); digit++) {
      out[to + digit] = alphabet[(group >> (18 - 6 * digit)) & 63]!;
    }
  }
  return out;
}
