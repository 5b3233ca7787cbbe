/**
 * How authup and our own checkpassword talk on descriptor 3, where a mechanism is more than a name and a password.
 * A NUL says that these are no fields: a checkpassword that knows only those sees a user without a name, and refuses.
 *
 *     authup:         NUL, then netstrings: "MECHANISM BINDING" (hexadecimal, or "-") and NUL NAME for each name of a certificate, "-" or "=MESSAGE", "=MESSAGE"…
 *     checkpassword:  netstrings: "+CHALLENGE"…, then "@USER" when it becomes that user, or "?USER" when it will not,
 *                     or "!" for a message that means nothing
 */
import { NetstringReader, netstring } from "../netstring/netstring.ts";

/** A message from the client, decoded, is never longer than its AUTH line. RFC 4954 §4 */
export const longestMessageOctets = 12_288;

/** Says on which descriptor checkpassword talks, where it is not 3, which then can only be read. */
export const answersVariable = "ACCEPTUTILS_ANSWERS";

/** What authup begins with. */
export interface Opening {
  readonly mechanism: string;
  /** What the client's proof can be bound to, in hexadecimal; empty when there is nothing. */
  readonly binding: string;
  /** The names of the client's certificate, latin1; none when it has shown none. */
  readonly certificate: readonly string[];
}

/** What checkpassword says. `user` is latin1, and empty when it is not known. */
export type Word =
  | { readonly challenge: Uint8Array }
  | { readonly accepted: string }
  | { readonly refused: string }
  | "malformed";

export function formatOpening({ mechanism, binding, certificate }: Opening): Uint8Array {
  const text = [`${mechanism} ${binding === "" ? "-" : binding}`, ...certificate].join("\0");
  return Buffer.concat([Buffer.of(0), netstring(Buffer.from(text, "latin1"))]);
}

/** The netstring for a message of the client's. The message may be wiped then. */
export function formatMessage(message: Uint8Array | undefined): Uint8Array {
  if (message === undefined) return netstring(Buffer.from("-"));
  const marked = Buffer.concat([Buffer.from("="), message]);
  const bytes = netstring(marked);
  marked.fill(0);
  return bytes;
}

export function formatWord(word: Word): Uint8Array {
  if (word === "malformed") return netstring(Buffer.from("!"));
  if ("challenge" in word) return netstring(Buffer.concat([Buffer.from("+"), word.challenge]));
  const text = "accepted" in word ? `@${word.accepted}` : `?${word.refused}`;
  return netstring(Buffer.from(text, "latin1"));
}

/** The opening that a netstring holds; undefined when it holds none. */
export function parseOpening(octets: Uint8Array): Opening | undefined {
  const [first = "", ...certificate] = Buffer.from(octets).toString("latin1").split("\0");
  const parts = /^([A-Z0-9_-]{1,20}) (?:-|((?:[0-9a-f]{2})+))$/.exec(first);
  return parts === null ? undefined : { mechanism: parts[1] ?? "", binding: parts[2] ?? "", certificate };
}

/** The message that a netstring holds, a view; "none" for the initial one that was not sent. */
export function parseMessage(octets: Uint8Array): Uint8Array | "none" | undefined {
  if (octets[0] === equals) return octets.subarray(1);
  return octets.length === 1 && octets[0] === minus ? "none" : undefined;
}

export function parseWord(octets: Uint8Array): Word | undefined {
  const rest = octets.subarray(1);
  switch (String.fromCharCode(octets[0] ?? 0)) {
    case "+":
      return { challenge: rest };
    case "@":
      return { accepted: Buffer.from(rest).toString("latin1") };
    case "?":
      return { refused: Buffer.from(rest).toString("latin1") };
    case "!":
      return rest.length === 0 ? "malformed" : undefined;
    default:
      return undefined;
  }
}

/** Reads netstrings of either side. */
export const conversationReader = () => new NetstringReader(longestMessageOctets + 1);

const equals = 0x3d;
const minus = 0x2d;
