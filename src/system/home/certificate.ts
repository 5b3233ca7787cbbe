/**
 * A self-signed certificate, for a service that has no other yet. Node.js reads X.509 and does not write it; what is
 * written here is one fixed shape of it, and every part is read back by OpenSSL in the tests.
 * Source: RFC 5280 §4 (the fields), RFC 5758 §3.2 (ECDSA with SHA-256), X.690 (DER).
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** Names and addresses it is good for; the first is its subject. */
export interface Wanted {
  readonly names: readonly string[];
  readonly now: Date;
}

/** Apple's clients take no certificate that is good for longer. */
const validDays = 825;

/** A new P-256 key and its certificate, both in PEM, one after the other: what CERTFILE names. */
export function selfSigned({ names, now }: Wanted): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyInfo = publicKey.export({ type: "spki", format: "der" });
  const subject = sequence(set(sequence(objectId("2.5.4.3"), utf8(names[0] ?? "localhost"))));
  const day = 86_400_000;
  const toBeSigned = sequence(
    explicit(0, integer(Uint8Array.of(2))), // version 3
    integer(serialNumber()),
    ecdsaWithSha256,
    subject, // the issuer is the subject
    sequence(time(new Date(now.getTime() - day)), time(new Date(now.getTime() + validDays * day))),
    subject,
    keyInfo,
    explicit(3, sequence(...extensions(names, keyInfo))),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bits(0, signature));
  const base64 = certificate.toString("base64").replace(/.{1,64}/g, "$&\n");
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  return `${key}-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`;
}

function extensions(names: readonly string[], keyInfo: Uint8Array): Buffer[] {
  const keyId = createHash("sha1").update(keyInfo.subarray(-65)).digest(); // RFC 5280 §4.2.1.2, method 1: the point
  return [
    extension("2.5.29.17", sequence(...names.map(generalName))), // subjectAltName
    critical("2.5.29.19", sequence()), // basicConstraints: no CA
    critical("2.5.29.15", bits(7, Uint8Array.of(0x80))), // keyUsage: digitalSignature
    extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.1"))), // extKeyUsage: serverAuth
    extension("2.5.29.14", der(0x04, keyId)), // subjectKeyIdentifier
  ];
}

/** RFC 5280 §4.1.2.2: positive, and not guessable. */
function serialNumber(): Buffer {
  const number = randomBytes(16);
  number[0] = (number[0]! & 0x7f) | 0x40;
  return number;
}

function generalName(name: string): Buffer {
  if (isIP(name) === 0) return der(0x82, Buffer.from(name, "latin1"));
  return der(0x87, isIP(name) === 4 ? Uint8Array.from(name.split("."), Number) : ipv6Octets(name));
}

function ipv6Octets(address: string): Buffer {
  const [before = "", after] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const [left, right] = [groups(before), groups(after ?? "")];
  const all = [...left, ...Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right];
  const octets = Buffer.alloc(16);
  all.forEach((group, at) => {
    octets.writeUInt16BE(group, 2 * at);
  });
  return octets;
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), der(0x04, value));
}

function critical(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), der(0x01, Uint8Array.of(0xff)), der(0x04, value));
}

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const set = (...parts: readonly Uint8Array[]) => der(0x31, ...parts);
const explicit = (number: number, part: Uint8Array) => der(0xa0 | number, part);
const integer = (bytes: Uint8Array) => der(0x02, bytes);
const utf8 = (text: string) => der(0x0c, Buffer.from(text));
const bits = (unused: number, bytes: Uint8Array) => der(0x03, Uint8Array.of(unused), bytes);

/** UTCTime: no year from 2050 on, which `validDays` will not reach for a while. */
function time(when: Date): Buffer {
  const text = when.toISOString().replace(/^20|\.\d+|[-:T]/g, "");
  return der(0x17, Buffer.from(text, "latin1"));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const base128 = (number: number): number[] =>
    number < 128
      ? [number]
      : [...base128(Math.floor(number / 128)).map((octet) => octet | 0x80), number % 128];
  return der(0x06, Uint8Array.from([40 * first + second, ...rest.flatMap(base128)]));
}

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));
