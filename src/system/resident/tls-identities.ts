/** The TLS process's side of a policy: contexts by host name, and which clients' certificates will do. */
import { constants, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type TLSSocket, type TLSSocketOptions } from "node:tls";
import { certificateFacts } from "./certificate-facts.ts";
import { type SessionBlock, SessionTeller } from "./session-facts.ts";
import type { ClientPolicy, PairHead, PolicyHead } from "./tls-policy.ts";

interface Identity {
  readonly context: SecureContext;
  readonly file: string;
  readonly certificate: X509Certificate;
  readonly teller: SessionTeller;
}

/** RFC 9325 §3.1, §4.2: TLS 1.2 and 1.3, forward secrecy, AEAD. What we prefer comes first. */
const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE+AESGCM",
  "ECDHE+CHACHA20",
].join(":");

/** SSL_OP_CLEANSE_PLAINTEXT: OpenSSL wipes what it has decrypted, a password maybe. Node.js has no name for it. */
const cleansePlaintext = 1 << 1;

/** No renegotiation (it lets a client make us work), no tickets (a mail client seldom resumes; RFC 9325 §3.4). */
const secureOptions =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_COMPRESSION |
  cleansePlaintext |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE;

/** One service's policy, made as a whole. */
export class Identities {
  readonly policy: Pick<PolicyHead, "idleSeconds" | "noDelay" | "goodbyeWanted">;
  /** What a TLSSocket is made with. */
  readonly options: TLSSocketOptions;
  readonly #usual: Identity;
  readonly #named = new Map<string, Identity>();
  readonly #clients: ClientPolicy | undefined;
  readonly #namesOnly: boolean;
  readonly #facts: PolicyHead["facts"];

  /** Wipes the keys. Throws, naming the file, when a key does not match its certificate. */
  constructor(head: PolicyHead, keys: Buffer) {
    this.#clients = head.clients;
    this.#namesOnly = head.namesOnly ?? false;
    this.#facts = head.facts;
    this.policy = { idleSeconds: head.idleSeconds, noDelay: head.noDelay, goodbyeWanted: head.goodbyeWanted };
    checkCiphers(head.ciphers);
    let usual: Identity | undefined;
    const octets = head.pairs.reduce((sum, pair) => sum + pair.keyOctets, 0);
    // Node.js wants a string here, which cannot be wiped: a password that protects a key in this very memory.
    const passphrase = keys.length > octets ? keys.toString("latin1", octets) : undefined;
    let at = 0;
    try {
      for (const pair of head.pairs) {
        const identity = identityOf(pair, keys.subarray(at, at + pair.keyOctets), passphrase, head);
        at += pair.keyOctets;
        if (pair.name === undefined) usual = identity;
        else this.#named.set(pair.name.toLowerCase(), identity);
      }
    } finally {
      keys.fill(0);
    }
    if (usual === undefined) throw new Error("no certificate");
    this.#usual = usual;
    this.options = this.#optionsFor(usual);
  }

  /** What is wrong with certificates that will be shown all the same. */
  warnings(now: number): readonly string[] {
    return [this.#usual, ...this.#named.values()].flatMap(({ file, certificate }) => {
      const { validFromDate, validToDate } = certificate;
      if (now > validToDate.getTime())
        return [`${file} expired on ${day(validToDate)}: clients will not trust it until it is renewed`];
      if (now < validFromDate.getTime())
        return [
          `${file} is not valid before ${day(validFromDate)}: clients will not trust it; is the clock right?`,
        ];
      return [];
    });
  }

  #optionsFor(usual: Identity): TLSSocketOptions {
    const oneForAll = this.#named.size === 0 && !this.#namesOnly;
    return {
      isServer: true,
      secureContext: usual.context,
      requestCert: this.#clients !== undefined,
      rejectUnauthorized: false, // we say why, and look at more than OpenSSL does
      // OpenSSL would stop in each handshake to ask.
      ...(!oneForAll && { SNICallback: (name, answer) => this.#choose(name, answer) }),
    };
  }

  #choose(name: string, answer: (error: Error | null, context?: SecureContext) => void): void {
    if (this.#namesOnly && !this.#named.has(name.toLowerCase())) answer(new Error("no certificate for it"));
    else answer(null, this.#for(name).context);
  }

  /** What a program learns of its session. */
  blockFor(tls: TLSSocket): SessionBlock {
    const { teller } = this.#for(tls.servername);
    return this.#facts === "s6" ? teller.s6BlockFor(tls) : teller.blockFor(tls);
  }

  /** Why a client is not let in after its handshake; undefined: it is. `host` is its name, as far as it is known. */
  refusalOf(tls: TLSSocket, host: string | undefined): string | undefined {
    if (this.#namesOnly && !tls.servername) return "the client asked for no name";
    if (this.#clients === undefined) return undefined;
    const { want, depth } = this.#clients;
    const certificate = tls.getPeerX509Certificate();
    if (certificate === undefined) return want === "asked" ? undefined : "no client certificate";
    // The types know it as authorizationError, which only a tls.Server sets.
    const { _handle: handle } = tls as unknown as { _handle: { verifyError(): Error | null | undefined } };
    if (handle.verifyError() || authoritiesAbove(tls) > depth + 1)
      return "missing credentials (CA) or unable to validate client certificate";
    if (want === "named" && (host === undefined || certificate.checkHost(host) === undefined))
      return `client hostname does not match certificate: ${host ?? ""}`;
    return undefined;
  }

  #for(name: unknown): Identity {
    return (typeof name === "string" && this.#named.get(name.toLowerCase())) || this.#usual;
  }
}

/** Throws when OpenSSL knows none of them: said of the variable, not of a certificate. */
function checkCiphers(ciphers: string | undefined): void {
  try {
    if (ciphers !== undefined) createSecureContext({ ciphers });
  } catch (error) {
    throw new Error(`CIPHERS="${ciphers}": OpenSSL knows no such cipher`, { cause: error });
  }
}

const day = (date: Date) => date.toISOString().slice(0, 10);

/** The whole policy at once: a context that is made of less forgets the rest. */
function identityOf(
  { file, certificates, name }: PairHead,
  key: Buffer,
  passphrase: string | undefined,
  head: PolicyHead,
): Identity {
  try {
    const pems = certificates.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const [own, ...chain] = pems.map((pem) => new X509Certificate(pem));
    if (own === undefined) throw new Error("no certificate in it");
    const context = createSecureContext({
      cert: certificates,
      key,
      ...(passphrase !== undefined && { passphrase }),
      ...(head.clients && { ca: head.clients.authorities }),
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      ciphers: head.ciphers ?? ciphers,
      ...(head.dhParameters && { dhparam: head.dhParameters }),
      ecdhCurve: "X25519:P-256:P-384",
      secureOptions,
      sessionIdContext: "acceptutils",
    });
    return { context, file, certificate: own, teller: new SessionTeller(certificateFacts(own, chain)) };
  } catch (error) {
    const which = name === undefined ? file : `${file} (${name})`;
    throw new Error(`${which}: ${(error as Error).message.trim()}`, { cause: error });
  }
}

/** How many certificates stand above the client's own. */
function authoritiesAbove(tls: TLSSocket): number {
  let above = 0;
  let one = tls.getPeerCertificate(true);
  while (one.issuerCertificate !== undefined && one.issuerCertificate !== one && above < 100) {
    one = one.issuerCertificate;
    above += 1;
  }
  return above;
}
