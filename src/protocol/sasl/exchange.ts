/**
 * SASL as SMTP AUTH and POP3 AUTH speak it (RFC 4954, RFC 5034), server side: challenges and responses. PLAIN and
 * LOGIN end here with a name and a password, as checkpassword has always been asked. All other mechanisms are a
 * conversation with whoever knows the users: their messages pass through here, decoded and not understood.
 */
import { Secret } from "../checkpassword/secret.ts";
import { latin1 } from "../wipeable.ts";
import { decodeBase64 } from "./base64.ts";
import { parsePlain } from "./plain.ts";
import { isUserName } from "./user-name.ts";

export interface Credentials {
  /** latin1 text of the UTF-8 octets the client sent. */
  readonly user: string;
  readonly secret: Secret;
}

/** Where an exchange stands: which response is expected next. */
export type Exchange =
  | { readonly expects: "plain" }
  | { readonly expects: "login user" }
  | { readonly expects: "login password"; readonly user: string }
  /** Whatever the conversation under way is for. */
  | { readonly expects: "message" };

export type Step =
  /** Go on: send this challenge (base64, or nothing) and expect a response. */
  | { readonly challenge: string; readonly exchange: Exchange }
  | { readonly credentials: Credentials }
  /** Begin a conversation. No initial message: the client waits for a challenge. */
  | { readonly mechanism: string; readonly initial: Uint8Array | undefined }
  /** Give this to the conversation. */
  | { readonly message: Uint8Array }
  | { readonly refused: "mechanism" | "input" | "cancelled" };

const refusedInput: Step = { refused: "input" };

/** The mechanisms that end with a name and a password. */
const passwords = new Map<string, Step & { readonly exchange: Exchange }>([
  ["PLAIN", { challenge: "", exchange: { expects: "plain" } }],
  ["LOGIN", { challenge: "VXNlcm5hbWU6", exchange: { expects: "login user" } }], // "Username:"
]);

/** The argument of AUTH: a mechanism, one of those `offered`, and perhaps an initial response. RFC 4954 §4 */
export function begin(argument: Uint8Array, offered: readonly string[]): Step {
  const end = argument.indexOf(space);
  const name = latin1(argument, 0, end < 0 ? argument.length : end).toUpperCase();
  if (!offered.includes(name)) return { refused: "mechanism" };
  const initial = end < 0 ? argument.subarray(argument.length) : trim(argument.subarray(end));
  const start = passwords.get(name);
  if (start === undefined) return conversation(name, initial);
  // RFC 4954 §4: "=" is a response of no octets, which is none of a name and a password.
  return initial.length === 0 ? start : answer(start.exchange, initial);
}

function conversation(mechanism: string, initial: Uint8Array): Step {
  if (initial.length === 0) return { mechanism, initial: undefined };
  if (initial.length === 1 && initial[0] === equals) return { mechanism, initial: new Uint8Array(0) };
  const octets = decodeBase64(initial);
  return octets === undefined ? refusedInput : { mechanism, initial: octets };
}

/** The client's response to the challenge of `exchange`. RFC 4954 §4: `*` ends the exchange. */
export function respond(exchange: Exchange, response: Uint8Array): Step {
  if (response.length === 1 && response[0] === asterisk) return { refused: "cancelled" };
  return answer(exchange, response);
}

function answer(exchange: Exchange, response: Uint8Array): Step {
  const octets = decodeBase64(response);
  if (octets === undefined) return refusedInput;
  if (exchange.expects === "message") return { message: octets };
  if (octets.length === 0) return refusedInput;
  switch (exchange.expects) {
    case "plain":
      return plain(octets);
    case "login user":
      return loginUser(octets);
    case "login password":
      return loginPassword(exchange.user, octets);
    default:
      return exchange satisfies never;
  }
}

function plain(octets: Uint8Array): Step {
  const credentials = parsePlain(octets);
  octets.fill(0);
  return credentials === undefined ? refusedInput : { credentials };
}

function loginUser(octets: Uint8Array): Step {
  if (!isUserName(octets)) return refusedInput;
  const user = Buffer.from(octets).toString("latin1");
  return { challenge: "UGFzc3dvcmQ6", exchange: { expects: "login password", user } }; // "Password:"
}

function loginPassword(user: string, octets: Uint8Array): Step {
  // A NUL would end the password early on checkpassword's descriptor, and begin another field.
  if (!octets.includes(0)) return { credentials: { user, secret: new Secret(octets) } };
  octets.fill(0);
  return refusedInput;
}

const space = 0x20;
const asterisk = 0x2a;
const equals = 0x3d;

/** RFC 5321 §4.1.1: blanks before the end of a command are tolerated. */
function trim(text: Uint8Array): Uint8Array {
  let from = 0;
  let to = text.length;
  while (from < to && text[from] === space) from++;
  while (to > from && text[to - 1] === space) to--;
  return text.subarray(from, to);
}
