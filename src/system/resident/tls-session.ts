/**
 * One session inside TLS, as the process that holds the keys sees it: the handshake, then bytes carried between the
 * client and the program's end until both are done. There is no stream but that of TLS and that of the program, and no
 * pipe between them: each hands on what it has read.
 */
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { deadlines } from "../deadlines.ts";
import { ownCopy, readWithoutTraces } from "../read-buffer.ts";
import { Onward } from "./onward.ts";
import type { Identities } from "./tls-identities.ts";

/** Seconds that a client has to say goodbye after the program did. */
const goodbyeSeconds = 30;

/** Where all sessions read. It is empty between two reads. */
const reading = Buffer.allocUnsafeSlow(65_536);

/** Descriptors are ours from now on. */
export interface TlsSession {
  readonly client: number;
  /** What the program says, and where it hears what the client says: one socket, or two pipes. */
  readonly said: number;
  readonly heard: number;
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
  /** The handshake is done; nothing of the client's has gone to the program yet. Returns what the program is to hear first. */
  secured(tls: TLSSocket): Buffer | undefined;
  /** There was no handshake, and both ends are closed. */
  refused(why: string): void;
  /** All is over, after `secured`; `how` says what was wrong about it. */
  ended?(how: string): void;
}

/** A timer can wait for 24 days. */
const longestMs = 2 ** 31 - 1;

export function serveTls(session: TlsSession): void {
  const { identities, host } = session;
  const said = new Socket({
    ...{ fd: session.said, readable: true, writable: session.heard === session.said, allowHalfOpen: true },
    ...{ onread: { buffer: reading, callback: fromProgram }, manualStart: true },
  });
  const heard =
    session.heard === session.said
      ? said
      : new Socket({ fd: session.heard, readable: false, writable: true });
  const onward = new Onward(heard, session.heard, () => tls.pause());
  let goodbye = true;
  const tls = session.goodbyeWanted
    ? withGoodbye(session, onward, () => {
        goodbye = false;
      })
    : withClient(session, onward);
  let secured = false;
  let over = false;
  /** Of the two sides of TLS, how many have ended. */
  let ends = 0;

  function fromProgram(octets: number): boolean {
    const chunk = ownCopy(reading.subarray(0, octets));
    reading.fill(0, 0, octets);
    return tls.write(chunk);
  }
  const close = (why: string) => {
    if (over) return;
    over = true;
    notLate();
    onward.flush();
    if (secured) session.ended?.(goodbye ? "" : "the client did not end TLS before the connection");
    else session.refused(why.trim()); // OpenSSL ends its words with a line end
    // What was wrong is in the log before the program knows of it.
    setImmediate(() => {
      for (const end of new Set([tls, said, heard])) end.destroy();
    });
  };
  const oneSideEnded = () => {
    ends += 1;
    if (ends === 2) close("");
  };
  let notLate = deadlines.after(session.seconds, () => close("timed out"));
  tls.on("error", (error) => close(error.message));
  const leave = () => close("the client closed the connection");
  tls.on("close", leave);
  tls.on("finish", oneSideEnded);
  tls.on("end", () => {
    if (!secured) leave();
    oneSideEnded();
    if (!over) onward.end();
  });
  tls.on("drain", () => said.resume());
  heard.on("drain", () => tls.resume());
  const alone = () => close("the program ended");
  said.on("error", alone);
  if (heard === said) said.on("close", alone);
  // A program that reads no more may go on writing.
  else heard.on("error", () => tls.resume());
  said.on("end", () => {
    if (over) return;
    tls.end();
    notLate = deadlines.after(goodbyeSeconds, () => close(""));
  });
  tls.on("secure", () => {
    notLate();
    const refusal = identities.refusalOf(tls, host);
    if (refusal !== undefined) {
      close(refusal);
      return;
    }
    secured = true;
    const first = session.secured(tls);
    if (first !== undefined) onward.send(first, first.length);
    if (session.idleSeconds) tls.setTimeout(Math.min(session.idleSeconds * 1000, longestMs), () => close(""));
    said.resume();
  });
}

/** TLS that has the client's connection to itself: without a stream of the connection's own. */
function withClient({ client, identities, noDelay = true }: TlsSession, onward: Onward): TLSSocket {
  const callback = (octets: number) => {
    onward.take(reading, octets);
    return true;
  };
  const options = { ...identities.options, allowHalfOpen: true, onread: { buffer: reading, callback } };
  const tls = new TLSSocket(undefined as unknown as Socket, options); // the types want a socket
  const { _handle: handle } = tls as unknown as { _handle: { open(fd: number): number } };
  const errno = handle.open(client);
  if (errno !== 0) tls.destroy(new Error("the connection cannot be opened"));
  // It was made to be connected later, and is.
  Object.assign(tls, { connecting: false });
  return tls.setNoDelay(noDelay) as TLSSocket;
}

/**
 * The same with a stream of ours below TLS, which is slower: `rude` is called when the connection ends before TLS did.
 * What Node.js gives when it has the socket itself does not tell the two apart.
 */
function withGoodbye(
  { client: fd, identities, noDelay = true }: TlsSession,
  onward: Onward,
  rude: () => void,
): TLSSocket {
  const client = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true }).setNoDelay(noDelay);
  const ends: unknown = { readable: client, writable: client }; // the types know of web streams alone
  const wire = Duplex.from(ends as Duplex);
  let wireEnded = false;
  // Ours comes first, before TLS is told of the end.
  wire.on("end", () => {
    wireEnded = true;
  });
  const tls = readWithoutTraces(new TLSSocket(wire, identities.options));
  client.on("error", (error) => tls.destroy(error));
  tls.on("close", () => client.destroy());
  const push = tls.push.bind(tls);
  let ended = false;
  tls.push = (chunk, encoding) => {
    if (chunk === null && !ended) {
      ended = true;
      if (wireEnded) rude();
    }
    return push(chunk, encoding);
  };
  tls.on("data", (chunk: Buffer) => onward.take(chunk, chunk.length));
  return tls;
}
