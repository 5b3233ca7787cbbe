/**
 * One session inside TLS, as the process that holds the keys sees it: the handshake, then bytes carried between the
 * client and the program's end until both are done.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { TLSSocket } from "node:tls";
import { readWithoutTraces } from "../read-buffer.ts";
import type { Identities } from "./tls-identities.ts";

/** Seconds that a client has to say goodbye after the program did. */
const goodbyeSeconds = 30;

export interface TlsSession {
  readonly client: Socket;
  /** What the program says, and where it hears what the client says: one socket, or two pipes. */
  readonly said: Socket;
  readonly heard: Socket;
  readonly identities: Identities;
  /** The client's name, for its certificate. */
  readonly host: string | undefined;
  /** For the handshake. */
  readonly seconds: number;
  /** Without an octet from either side, after which all ends. */
  readonly idleSeconds?: number;
  readonly noDelay?: boolean;
  /** To tell a client that ended TLS from one that only ended the connection. */
  readonly goodbyeWanted?: boolean;
  /** The handshake is done; nothing of the client's has gone to the program yet. `block` is what to tell it. */
  secured(block: ReadonlyMap<string, string | undefined>): void;
  /** There was no handshake, and both ends are closed. */
  refused(why: string): void;
  /** All is over, after `secured`; `how` says what was wrong about it. */
  ended?(how: string): void;
}

/** A timer can wait for 24 days. */
const longestMs = 2 ** 31 - 1;

export function serveTls(session: TlsSession): void {
  const { client, said, heard, identities, host, seconds } = session;
  client.setNoDelay(session.noDelay ?? true);
  let goodbye = true;
  const tls = session.goodbyeWanted
    ? withGoodbye(client, identities, () => {
        goodbye = false;
      })
    : readWithoutTraces(new TLSSocket(client, identities.options));
  let secured = false;
  let over = false;
  const close = (why: string) => {
    if (over) return;
    over = true;
    clearTimeout(late);
    if (secured) session.ended?.(goodbye ? "" : "the client did not end TLS before the connection");
    else session.refused(why.trim()); // OpenSSL ends its words with a line end
    // What was wrong is in the log before the program knows of it.
    setImmediate(() => {
      for (const end of [tls, client, said, heard]) end.destroy();
    });
  };
  let late = setTimeout(() => close("timed out"), Math.min(seconds * 1000, longestMs));
  client.on("error", (error) => close(error.message));
  tls.on("error", (error) => close(error.message));
  const leave = () => close("the client closed the connection");
  tls.on("close", leave);
  // Before the handshake there is nothing to read but the end.
  tls.on("readable", leave);
  const alone = () => close("the program ended");
  said.on("error", alone);
  if (heard === said) said.on("close", alone);
  // A program that reads no more may go on writing.
  else
    heard.on("error", () => {
      tls.removeAllListeners("data");
      tls.resume();
    });
  tls.on("secure", () => {
    clearTimeout(late);
    tls.off("readable", leave);
    const refusal = identities.refusalOf(tls, host);
    if (refusal !== undefined) {
      close(refusal);
      return;
    }
    secured = true;
    session.secured(identities.blockFor(tls));
    tls.setTimeout(Math.min((session.idleSeconds ?? 0) * 1000, longestMs), () => close(""));
    // Over a stream of ours TLS does not close itself when both sides are done.
    void finished(tls).then(
      () => close(""),
      () => {},
    );
    passOn(tls, heard);
    said.pipe(tls);
    said.on("end", () => {
      late = setTimeout(() => close(""), goodbyeSeconds * 1000);
    });
  });
}

/** As pipe() does it, but that nothing of what the client said is left here. */
function passOn(tls: TLSSocket, heard: Socket): void {
  heard.on("drain", () => tls.resume());
  tls.on("data", (chunk: Buffer) => {
    if (!heard.write(chunk, () => chunk.fill(0))) tls.pause();
  });
  tls.on("end", () => heard.end());
}

/**
 * The same with a stream of ours below TLS, which is slower: `rude` is called when the connection ends before TLS did.
 * What Node.js gives when it has the socket itself does not tell the two apart.
 */
function withGoodbye(client: Socket, identities: Identities, rude: () => void): TLSSocket {
  const ends: unknown = { readable: client, writable: client }; // the types know of web streams alone
  const wire = Duplex.from(ends as Duplex);
  let wireEnded = false;
  // Ours comes first, before TLS is told of the end.
  wire.on("end", () => {
    wireEnded = true;
  });
  const tls = readWithoutTraces(new TLSSocket(wire, identities.options));
  const push = tls.push.bind(tls);
  let ended = false;
  tls.push = (chunk, encoding) => {
    if (chunk === null && !ended) {
      ended = true;
      if (wireEnded) rude();
    }
    return push(chunk, encoding);
  };
  return tls;
}
