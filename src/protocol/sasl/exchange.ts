/**
 * SASL as SMTP AUTH speaks it (RFC 4954), server side: challenges and responses until there is a name and a
 * password. One function each for the start and for every response; the exchange in between is a plain value.
 */
import { Secret } from "../checkpassword/secret.ts";
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
  | { readonly expects: "login password"; readonly user: string };

export type Step =
  /** Go on: send this challenge (base64, or nothing) and expect a response. */
  | { readonly challenge: string; readonly exchange: Exchange }
  | { readonly credentials: Credentials }
  | { readonly refused: "mechanism" | "input" | "cancelled" };

const refusedInput: Step = { refused: "input" };

const mechanisms = new Map<string, () => Step>([
  ["PLAIN", () => ({ challenge: "", exchange: { expects: "plain" } })],
  ["LOGIN", () => ({ challenge: "VXNlcm5hbWU6", exchange: { expects: "login user" } })], // "Username:"
]);

/** The mechanisms in the order they are advertised. */
export const mechanismNames = "LOGIN PLAIN";

/** The argument of AUTH: a mechanism and perhaps an initial response. RFC 4954 §4 */
export function begin(argument: Uint8Array): Step {
  const end = argument.indexOf(space);
  const name = Buffer.from(end < 0 ? argument : argument.subarray(0, end)).toString("latin1");
  const start = mechanisms.get(name.toUpperCase());
  if (start === undefined) return { refused: "mechanism" };
  const initial = end < 0 ? argument.subarray(argument.length) : trim(argument.subarray(end));
  const step = start();
  if (initial.length === 0 || !("exchange" in step)) return step;
  // RFC 4954 §4: "=" is a response of no octets, which is none of a name and a password.
  return answer(step.exchange, initial);
}

/** The client's response to the challenge of `exchange`. RFC 4954 §4: `*` ends the exchange. */
export function respond(exchange: Exchange, response: Uint8Array): Step {
  if (response.length === 1 && response[0] === asterisk) return { refused: "cancelled" };
  return answer(exchange, response);
}

function answer(exchange: Exchange, response: Uint8Array): Step {
  const octets = decodeBase64(response);
  if (octets === undefined || octets.length === 0) return refusedInput;
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

/** RFC 5321 §4.1.1: blanks before the end of a command are tolerated. */
function trim(text: Uint8Array): Uint8Array {
  let from = 0;
  let to = text.length;
  while (from < to && text[from] === space) from++;
  while (to > from && text[to - 1] === space) to--;
  return text.subarray(from, to);
}
