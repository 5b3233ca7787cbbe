/** What a program learns of its TLS session, in ucspi-ssl's order. Source: ucspi-tls(2), sslserver(1) */
import type { TLSSocket } from "node:tls";
import { blockItems, blockOf } from "../../protocol/ucspi-tls/block.ts";
import { certificateFacts } from "./certificate-facts.ts";

type Fact = readonly [string, string];

/** The reply to `Y`. `server`: the facts of our own certificate, which are always the same. */
export function sessionFacts(tls: TLSSocket, server: readonly Fact[]): ReadonlyMap<string, string> {
  const { protocol, cipher, bits } = agreed(tls);
  const id = protocol === tls13 ? "" : sessionId(tls.getSession());
  return new Map([...commonFacts({ protocol, cipher, bits }, id, server), ...ownFacts(tls)]);
}

const tls13 = "TLSv1.3";

interface Agreed {
  readonly protocol: string;
  readonly cipher: string;
  readonly bits: string;
}

/** What both sides agreed upon. */
function agreed(tls: TLSSocket): Agreed {
  const { standardName, name } = tls.getCipher();
  const protocol = tls.getProtocol() ?? "";
  return { protocol, cipher: protocol === tls13 ? standardName : name, bits: keyBits(standardName) };
}

/** What is the same in all sessions that agreed upon the same, but for the number of a session of TLS 1.2. */
const commonFacts = ({ protocol, cipher, bits }: Agreed, id: string, server: readonly Fact[]): Fact[] => [
  ["SSL_PROTOCOL", protocol],
  ["SSL_SESSION_ID", id],
  ["SSL_CIPHER", cipher],
  ["SSL_CIPHER_EXPORT", "false"],
  ["SSL_CIPHER_USEKEYSIZE", bits],
  ["SSL_CIPHER_ALGKEYSIZE", bits],
  ["SSL_VERSION_INTERFACE", "ucspi-ssl"],
  ["SSL_VERSION_LIBRARY", `OpenSSL ${process.versions.openssl}`],
  ...server,
];

function ownFacts(tls: TLSSocket): Fact[] {
  // A client that is not asked shows none.
  const peer = tls.getPeerX509Certificate();
  const asked = nameAskedFor(tls);
  return [
    ...(peer === undefined ? [] : certificateFacts(peer, [], "CLIENT")),
    // Ours, as s6-tlsd has it: the name the client asked for.
    ...(asked === undefined ? [] : ([["SSL_TLS_SNI_SERVERNAME", asked]] as const)),
    // Ours: what SCRAM-SHA-256-PLUS binds itself to.
    ["SSL_TLS_EXPORTER", channelBinding(tls)],
  ];
}

/** What a program is told, in the words of a block: `common` is what others are told too, word for word. */
export interface SessionBlock {
  readonly protocol: string;
  readonly cipher: string;
  readonly common: Buffer;
  readonly own: Buffer;
}

/** Tells of the sessions of one certificate. What they have in common is put into words once. */
export class SessionTeller {
  readonly #server: readonly Fact[];
  /** By protocol and cipher. */
  readonly #common = new Map<string, Buffer>();

  constructor(server: readonly Fact[]) {
    this.#server = server;
  }

  blockFor(tls: TLSSocket): SessionBlock {
    const known = agreed(tls);
    const { protocol, cipher } = known;
    if (protocol !== tls13)
      return { protocol, cipher, common: none, own: blockOf(sessionFacts(tls, this.#server)) };
    const key = `${protocol} ${cipher}`;
    let common = this.#common.get(key);
    if (common === undefined) {
      common = blockItems(commonFacts(known, "", this.#server));
      this.#common.set(key, common);
    }
    return { protocol, cipher, common, own: blockOf(ownFacts(tls)) };
  }

  s6BlockFor(tls: TLSSocket): SessionBlock {
    const { protocol, cipher } = agreed(tls);
    return { protocol, cipher, common: none, own: blockOf(s6SessionFacts(tls)) };
  }
}

const none = Buffer.alloc(0);

/** The same as s6-tlsd says it: what is not known is to be unset. */
export function s6SessionFacts(tls: TLSSocket): ReadonlyMap<string, string | undefined> {
  const { protocol, cipher } = agreed(tls);
  const peer = tls.getPeerX509Certificate();
  const subject = peer?.subject.split("\n").filter((line) => line.includes("="));
  return new Map([
    ["SSL_PROTOCOL", protocol],
    ["SSL_CIPHER", cipher],
    ["SSL_TLS_SNI_SERVERNAME", nameAskedFor(tls)],
    ["SSL_PEER_CERT_HASH", peer && `SHA256:${peer.fingerprint256.replaceAll(":", "").toLowerCase()}`],
    ["SSL_PEER_CERT_SUBJECT", subject?.map((part) => `/${part}`).join("")],
  ]);
}

/** Only what can stand in a variable and a log line. */
function nameAskedFor({ servername }: TLSSocket): string | undefined {
  return typeof servername === "string" && /^[A-Za-z0-9._-]{1,255}$/.test(servername)
    ? servername
    : undefined;
}

/** RFC 9266 §4: tls-exporter, in hexadecimal. Without a context, as GnuTLS and Cyrus IMAP have it: in TLS 1.2 that counts. */
export function channelBinding(tls: TLSSocket): string {
  // The types ask for a context.
  const { exportKeyingMaterial } = tls as unknown as {
    exportKeyingMaterial(octets: number, label: string): Buffer;
  };
  return exportKeyingMaterial.call(tls, 32, "EXPORTER-Channel-Binding").toString("hex");
}

/** Bits of the key, by the IANA name of a cipher: ours are AES, ChaCha20 and whatever CIPHERS allows. */
export function keyBits(standardName: string): string {
  return /CHACHA20|_256_/.test(standardName) ? "256" : "128";
}

/**
 * The session's number in hexadecimal, from a serialized SSL_SESSION (which also holds the master secret, and is
 * wiped): SEQUENCE { version INTEGER, protocol INTEGER, cipher OCTET STRING, sessionId OCTET STRING, … }.
 * In TLS 1.3 there is none before a ticket.
 */
export function sessionId(session: Buffer | undefined): string {
  if (session === undefined) return "";
  try {
    let at = element(session, 0).start;
    for (let skipped = 0; skipped < 3; skipped++) at = element(session, at).end;
    const { start, end } = element(session, at);
    return session[at] === octetString ? session.toString("hex", start, end) : "";
  } finally {
    session.fill(0);
  }
}

const octetString = 0x04;

/** Where the contents of a DER element at `at` start and end. */
function element(bytes: Buffer, at: number): { start: number; end: number } {
  const first = bytes[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const octets = first & 0x7f;
  const start = at + 2 + octets;
  return { start, end: start + (octets > 0 && octets <= 4 ? bytes.readUIntBE(at + 2, octets) : 0) };
}
