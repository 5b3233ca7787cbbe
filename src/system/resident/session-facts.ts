/** What a program learns of its TLS session, in ucspi-ssl's order. Source: ucspi-tls(2), sslserver(1) */
import type { TLSSocket } from "node:tls";
import { certificateFacts } from "./certificate-facts.ts";

/** The reply to `Y`. `server`: the facts of our own certificate, which are always the same. */
export function sessionFacts(
  tls: TLSSocket,
  server: readonly [string, string][],
): ReadonlyMap<string, string | undefined> {
  const { standardName, name } = tls.getCipher();
  const protocol = tls.getProtocol() ?? "";
  const bits = keyBits(standardName);
  const peer = tls.getPeerX509Certificate();
  const asked = nameAskedFor(tls);
  return new Map([
    ["SSL_PROTOCOL", protocol],
    ["SSL_SESSION_ID", protocol === "TLSv1.3" ? "" : sessionId(tls.getSession())],
    ["SSL_CIPHER", protocol === "TLSv1.3" ? standardName : name],
    ["SSL_CIPHER_EXPORT", "false"],
    ["SSL_CIPHER_USEKEYSIZE", bits],
    ["SSL_CIPHER_ALGKEYSIZE", bits],
    ["SSL_VERSION_INTERFACE", "ucspi-ssl"],
    ["SSL_VERSION_LIBRARY", `OpenSSL ${process.versions.openssl}`],
    ...server,
    ...(peer === undefined ? [] : certificateFacts(peer, [], "CLIENT")),
    // Ours, as s6-tlsd has it: the name the client asked for.
    ...(asked === undefined ? [] : ([["SSL_TLS_SNI_SERVERNAME", asked]] as const)),
    // Ours: what SCRAM-SHA-256-PLUS binds itself to.
    ["SSL_TLS_EXPORTER", channelBinding(tls)],
  ]);
}

/** The same as s6-tlsd says it: what is not known is to be unset. */
export function s6SessionFacts(tls: TLSSocket): ReadonlyMap<string, string | undefined> {
  const { standardName, name } = tls.getCipher();
  const protocol = tls.getProtocol() ?? "";
  const peer = tls.getPeerX509Certificate();
  const subject = peer?.subject.split("\n").filter((line) => line.includes("="));
  return new Map([
    ["SSL_PROTOCOL", protocol],
    ["SSL_CIPHER", protocol === "TLSv1.3" ? standardName : name],
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
