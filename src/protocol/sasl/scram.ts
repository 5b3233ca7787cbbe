/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's part: RFC 5802, RFC 7677, with the channel binding of RFC 9266.
 * The server proves that it knows the user as the client does; what is stored lets nobody log in.
 *
 *     readClientFirst → serverFirst → checkClientFinal
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import type { Secret } from "../checkpassword/secret.ts";
import { decodeBase64 } from "./base64.ts";
import { isUserName } from "./user-name.ts";

/** What is stored of a password: enough to check a proof, not enough to make one. RFC 5802 §3 */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** How much of TLS the client says it has seen. RFC 5802 §6 */
export type BindingFlag =
  /** It binds to the channel, by this type. */
  | { readonly binds: string }
  /** It could bind, and was not offered to: or somebody took the offer away. */
  | "thinks we cannot"
  | "cannot";

export interface ClientFirst {
  readonly flag: BindingFlag;
  /** Everything in front of the bare message; it comes again in the client's final message. */
  readonly gs2Header: string;
  /** latin1 text of UTF-8, like all text here. */
  readonly user: string;
  readonly nonce: string;
  readonly bare: string;
}

/** What a SCRAM exchange is at the moment when the client's proof is awaited. */
export interface ScramExchange {
  readonly client: ClientFirst;
  /** The server-first-message. */
  readonly challenge: string;
  readonly nonce: string;
  readonly verifier: ScramVerifier;
}

export type ScramVerdict =
  /** The server-final-message: our own proof. */
  { readonly proved: string } | { readonly refused: "malformed" | "unacceptable" };

/** The one type of channel binding we have: RFC 9266 §2, in TLS 1.3. */
export const tlsExporter = "tls-exporter";

const malformed: ScramVerdict = { refused: "malformed" };
const unacceptable: ScramVerdict = { refused: "unacceptable" };
const keyOctets = 32;

/** client-first-message, RFC 5802 §7; undefined when it is none, or when somebody else is to be acted for. */
export function readClientFirst(message: Uint8Array): ClientFirst | undefined {
  const text = Buffer.from(message).toString("latin1");
  const parts =
    /^(?:(n)|(y)|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(
      text,
    );
  if (parts === null) return undefined;
  const [, none, unused, type, asked, bare = "", saslName = "", nonce = ""] = parts;
  const user = nameIn(saslName);
  // An empty authzid is none: gsasl(1) sends one.
  if (user === undefined || (asked && nameIn(asked) !== user)) return undefined;
  const flag =
    none !== undefined ? "cannot" : unused !== undefined ? "thinks we cannot" : { binds: type ?? "" };
  return { flag, gs2Header: text.slice(0, text.length - bare.length), user, nonce, bare };
}

/** RFC 5802 §5.1: a comma and an equals sign are =2C and =3D; any other use of = is an error. */
function nameIn(saslName: string): string | undefined {
  if (/=(?!2C|3D)/.test(saslName)) return undefined;
  const name = saslName.replaceAll("=2C", ",").replaceAll("=3D", "=");
  return isUserName(Buffer.from(name, "latin1")) ? name : undefined;
}

/**
 * True when the client's word about channel binding fits the mechanism it chose and what we offered. A client that
 * could bind and was told that we cannot, though we can, has somebody between us. RFC 5802 §6
 */
export function bindingFits(
  { flag }: ClientFirst,
  { plus, offered }: { plus: boolean; offered: boolean },
): boolean {
  if (plus) return offered && typeof flag === "object" && flag.binds === tlsExporter;
  return flag === "cannot" || (flag === "thinks we cannot" && !offered);
}

/** The challenge for `client`: our part of the nonce is of printable ASCII without a comma. */
export function serverFirst(client: ClientFirst, verifier: ScramVerifier, ourNonce: string): ScramExchange {
  const nonce = client.nonce + ourNonce;
  const salt = Buffer.from(verifier.salt).toString("base64");
  return { client, nonce, verifier, challenge: `r=${nonce},s=${salt},i=${verifier.iterations}` };
}

/** client-final-message, RFC 5802 §7. `binding`: the channel's octets, when the client said that it binds to them. */
export function checkClientFinal(
  { client, nonce, verifier, challenge }: ScramExchange,
  message: Uint8Array,
  binding: Uint8Array | undefined,
): ScramVerdict {
  const text = Buffer.from(message).toString("latin1");
  const parts = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/s.exec(text);
  if (parts === null) return malformed;
  const [, withoutProof = "", bound = "", theirNonce = "", base64 = ""] = parts;
  const proof = decodeBase64(Buffer.from(base64));
  const channel = decodeBase64(Buffer.from(bound));
  if (channel === undefined || proof === undefined || proof.length !== keyOctets) return malformed;
  const expected = Buffer.concat([Buffer.from(client.gs2Header, "latin1"), binding ?? Buffer.alloc(0)]);
  if (theirNonce !== nonce || !expected.equals(channel)) return unacceptable;
  const said = `${client.bare},${challenge},${withoutProof}`;
  const signature = hmac(verifier.storedKey, said);
  // The proof is the client's key under this signature; only its owner can have made it.
  const key = proof.map((octet, at) => octet ^ (signature[at] ?? 0));
  const right = timingSafeEqual(sha256(key), verifier.storedKey);
  key.fill(0);
  return right ? { proved: `v=${hmac(verifier.serverKey, said).toString("base64")}` } : unacceptable;
}

/** What to store of a password, which is to be prepared (RFC 4013) before. */
export async function scramVerifier(
  secret: Secret,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramVerifier> {
  const salted = await new Promise<Buffer>((resolve, reject) => {
    pbkdf2(secret.reveal(), salt, iterations, keyOctets, "sha256", (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
  const clientKey = hmac(salted, "Client Key");
  const verifier = { iterations, salt, storedKey: sha256(clientKey), serverKey: hmac(salted, "Server Key") };
  salted.fill(0);
  clientKey.fill(0);
  return verifier;
}

const hmac = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text, "latin1").digest();
const sha256 = (octets: Uint8Array) => createHash("sha256").update(octets).digest();
