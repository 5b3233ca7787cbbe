/**
 * The TLS process: the only one that holds private keys. It is handed a connection at STARTTLS (or at its start),
 * does the handshake, and from then on carries bytes between the client and a UNIX socket: what is inside TLS, and
 * nothing else. It reads no files and knows no users.
 */
import { constants, X509Certificate } from "node:crypto";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { blockOf } from "../../protocol/ucspi-tls/block.ts";
import { certificateFacts } from "./certificate-facts.ts";
import { Channel, type Received } from "./channel.ts";
import { sessionFacts } from "./session-facts.ts";

interface Identity {
  readonly context: SecureContext;
  readonly facts: readonly [string, string][];
}

/** RFC 9325 §3.1, §4.2: TLS 1.2 and 1.3, forward secrecy, AEAD. What we prefer comes first. */
const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE+AESGCM",
  "ECDHE+CHACHA20",
].join(":");

/** No renegotiation (it lets a client make us work), no tickets (a mail client seldom resumes; RFC 9325 §3.4). */
const secureOptions =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE;

/** The whole policy at once: a context that is made of less forgets the rest. Throws when key and certificate do not match. */
export function contextOf(certificate: string, key: Buffer, chosen: string | undefined): SecureContext {
  return createSecureContext({
    cert: certificate,
    key,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: chosen ?? ciphers,
    ecdhCurve: "X25519:P-256:P-384",
    secureOptions,
    sessionIdContext: "acceptutils",
  });
}

/** The facts of a PEM file of certificates, the server's own first. */
function factsOf(certificates: string): readonly [string, string][] {
  const pems = certificates.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const [own, ...chain] = pems.map((pem) => new X509Certificate(pem));
  return own === undefined ? [] : certificateFacts(own, chain);
}

export function tlsWorker(master: Channel): void {
  const identities = new Map<number, Identity>();

  master.onMessage = ({ head, body, descriptors }) => {
    if (head.kind === "context") {
      const certificate = String(head["certificate"]);
      const context = contextOf(certificate, body, head["ciphers"] as string | undefined);
      body.fill(0);
      identities.set(Number(head["service"]), {
        context,
        facts: factsOf(certificate),
      });
    } else if (head.kind === "forget") {
      identities.delete(Number(head["service"]));
    } else if (head.kind === "peer") {
      const front = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! });
      front.onMessage = (message) => {
        if (message.head.kind !== "handshake") {
          for (const fd of message.descriptors) closeSync(fd);
          return;
        }
        const asked = message.head["question"] !== undefined;
        handshake(message, identities.get(Number(message.head["service"])), (facts) => {
          if (asked) front.reply(message, facts);
        });
      };
    }
  };
}

/**
 * One connection. Descriptors: the client's socket; our end of the pair to the program; and, for a program that is a
 * process of its own, the control socket that waits for the reply. Without one the reply goes in front of the
 * clear text, after its length (4 octets, big endian).
 */
function handshake(
  { head, descriptors }: Received,
  identity: Identity | undefined,
  told: (facts: Record<string, unknown>) => void,
): void {
  const [client, inside, control] = descriptors;
  if (client === undefined || inside === undefined) return;
  const pair = new Socket({ fd: inside, readable: true, writable: true, allowHalfOpen: true });
  const socket = new Socket({ fd: client, readable: true, writable: true, allowHalfOpen: true });
  const end = () => {
    socket.destroy();
    pair.destroy();
  };
  socket.on("error", end);
  pair.on("error", end);
  const reply =
    control === undefined ? undefined : new Socket({ fd: control, readable: false, writable: true });
  reply?.on("error", () => {});
  if (identity === undefined) {
    reply?.destroy();
    end();
    told({ why: "no certificate" });
    return;
  }
  socket.setNoDelay(true);
  const tls = new TLSSocket(socket, { isServer: true, secureContext: identity.context });
  let open = true;
  const close = (why: string) => {
    if (open) told({ why: why.trim() }); // OpenSSL ends its words with a line end
    open = false;
    clearTimeout(late);
    reply?.destroy();
    tls.destroy();
    end();
  };
  const late = setTimeout(() => close("timed out"), Number(head["seconds"]) * 1000);
  tls.on("error", (error) => close(error.message));
  const leave = () => close("the client closed the connection");
  tls.on("close", leave);
  // Before the handshake there is nothing to read but the end.
  tls.on("readable", leave);
  pair.on("close", () => close("the program ended"));
  tls.on("secure", () => {
    clearTimeout(late);
    tls.off("readable", leave);
    open = false;
    const session = sessionFacts(tls, identity.facts);
    told({ secured: true, protocol: session.get("SSL_PROTOCOL"), cipher: session.get("SSL_CIPHER") });
    const block = Buffer.from(blockOf(session));
    if (reply !== undefined) {
      reply.end(head["silent"] ? "" : block);
    } else {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(block.length);
      pair.write(Buffer.concat([length, block]));
    }
    tls.pipe(pair);
    pair.pipe(tls);
  });
}
