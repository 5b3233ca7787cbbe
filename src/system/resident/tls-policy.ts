/**
 * What the master hands the TLS process for one service: certificates with their keys, whose client certificates are
 * believed, ciphers. It travels as one message, so that a policy is in use as a whole or not at all.
 */
import { readFileSync } from "node:fs";
import type { Head } from "./channel.ts";
import type { CertificateFiles, Service } from "./service.ts";

/** The message's head. Its body is the keys, one after the other, then the password of the keys. */
export interface PolicyHead extends Head {
  readonly kind: "context";
  readonly service: number;
  readonly pairs: readonly PairHead[];
  readonly namesOnly?: boolean;
  readonly ciphers?: string | undefined;
  readonly facts?: "s6" | undefined;
  /** PEM. */
  readonly dhParameters?: string | undefined;
  readonly idleSeconds: number;
  readonly noDelay: boolean;
  readonly goodbyeWanted: boolean;
  readonly clients?: ClientPolicy | undefined;
}

/** A certificate (PEM, with its chain) and how many octets of the body are its key. */
export interface PairHead {
  /** The host name it is for; undefined: for all others. */
  readonly name?: string | undefined;
  readonly file: string;
  readonly certificates: string;
  readonly keyOctets: number;
}

/** Certificates of clients: `asked` for, `required`, or required and `named` as the client's host is. */
export interface ClientPolicy {
  readonly want: "asked" | "required" | "named";
  /** Who is believed: PEM. */
  readonly authorities: string;
  /** Authorities that may stand between the client's and one of ours. */
  readonly depth: number;
}

/** A frame has room for 1 MiB. */
const maximumOctets = 900_000;

/** Reads all files. The body holds keys: to be wiped once it is sent. Throws when a file cannot be read. */
export function policyOf(
  { id, idleSeconds, noDelay }: Pick<Service, "id" | "idleSeconds" | "noDelay">,
  {
    certFile,
    keyFile,
    names = [],
    namesOnly = false,
    ciphers,
    dhFile,
    clients,
    facts,
    goodbyeWanted = false,
  }: CertificateFiles,
  password: Uint8Array | undefined,
): { head: PolicyHead; body: Buffer } {
  const keys: Buffer[] = [];
  const pairs = [{ name: undefined, certFile, keyFile }, ...names].map((pair): PairHead => {
    const key = readFileSync(pair.keyFile);
    keys.push(key);
    const certificates = certificatesIn(pair.certFile);
    return { name: pair.name, file: pair.certFile, certificates, keyOctets: key.length };
  });
  const body = Buffer.concat(password === undefined ? keys : [...keys, password]);
  for (const key of keys) key.fill(0);
  const head = {
    kind: "context",
    service: id,
    pairs,
    namesOnly,
    ciphers,
    facts,
    dhParameters: dhFile && dhParametersIn(dhFile),
    idleSeconds,
    noDelay,
    goodbyeWanted,
    clients: clients && {
      want: clients.want,
      depth: clients.depth,
      authorities: clients.files.map(certificatesIn).join(""),
    },
  } as const;
  if (JSON.stringify(head).length > maximumOctets)
    throw new Error(`${clients?.files[0] ?? certFile}: more certificates than there is room for`);
  return { head, body };
}

function dhParametersIn(file: string): string {
  const pem = readFileSync(file, "latin1");
  // Of other kinds (X9.42, which openssl dhparam -dsaparam writes) OpenSSL makes nothing, without a word.
  if (pem.includes("-----BEGIN DH PARAMETERS-----")) return pem;
  throw new Error(`${file}: no "BEGIN DH PARAMETERS" in it, which DHFILE must have`);
}

/** All files a policy is read from. */
export const filesOf = ({
  certFile,
  keyFile,
  names = [],
  dhFile,
  clients,
}: CertificateFiles): readonly string[] => [
  ...new Set([
    ...[certFile, keyFile, ...names.flatMap((pair) => [pair.certFile, pair.keyFile])],
    ...(dhFile === undefined ? [] : [dhFile]),
    ...(clients?.files ?? []),
  ]),
];

/** The certificates of a PEM file. The file may hold the key too, which must not become a string: none can be wiped. */
function certificatesIn(file: string): string {
  const bytes = readFileSync(file);
  const begin = "-----BEGIN CERTIFICATE-----";
  const end = "-----END CERTIFICATE-----";
  let found = "";
  for (let at = bytes.indexOf(begin); at >= 0; at = bytes.indexOf(begin, at + 1)) {
    const stop = bytes.indexOf(end, at);
    if (stop >= 0) found += bytes.toString("latin1", at, stop + end.length) + "\n";
  }
  bytes.fill(0);
  return found;
}
