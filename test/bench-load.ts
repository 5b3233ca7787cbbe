/** The load generator of the bench, and servers for it that say what a test wants them to. */
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { noCompiler } from "../bench/contender/compile.ts";
import type { Plan, Step, Told } from "../bench/load/plan.ts";
import { startLoad } from "../bench/measure/sample.ts";
import { selfSigned } from "../src/system/home/certificate.ts";

/** Of each test. */
export const options = { skip: noCompiler() ?? false, timeout: 20_000 };

export type Serve = (socket: Socket) => void;

/** Answers each line with the next of these replies, the greeting unasked; closes after the last one. */
export const says =
  (...replies: string[]): Serve =>
  (socket) => {
    const left = [...replies];
    const next = () => {
      socket.write(left.shift()!);
      if (left.length === 0) socket.end();
    };
    next();
    byLine(socket, () => left.length > 0 && next());
  };

export function byLine(socket: Socket, heard: (line: string) => void): void {
  let rest = "";
  socket.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\r\n");
    rest = lines.pop()!;
    for (const line of lines) heard(line);
  });
}

const pem = selfSigned({ names: ["mx.example"], now: new Date() });

export function secured(socket: Socket): TLSSocket {
  socket.removeAllListeners("data");
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: createSecureContext({ key: pem, cert: pem }),
  });
  return secure.on("error", () => {});
}

export async function listening(
  serve: Serve,
): Promise<{ server: Server; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as { port: number }).port, sockets };
}

type Wishes = Partial<Plan> & { readonly steps: readonly Step[] };

export function planFor(port: number, wishes: Wishes): Plan {
  const usual = { implicitTls: false, messageOctets: 4096, clients: 1, seconds: 20, sessions: 1 };
  return { host: "127.0.0.1", port, ...usual, ...wishes };
}

/** What the load generator tells of a server. */
export async function told(serve: Serve, wishes: Wishes): Promise<Told> {
  const { server, port, sockets } = await listening(serve);
  try {
    const { lines, gone } = startLoad(planFor(port, wishes));
    const line = (await lines.next()).value as string;
    await gone;
    return JSON.parse(line) as Told;
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

export async function fails(serve: Serve, wishes: Wishes, words: string | RegExp): Promise<void> {
  const { sessions, failures, firstFailure = "" } = await told(serve, wishes);
  assert.deepEqual([sessions, failures], [0, 1]);
  if (typeof words === "string") assert.equal(firstFailure, words);
  else assert.match(firstFailure, words);
}

export async function works(serve: Serve, wishes: Wishes): Promise<Told> {
  const { firstFailure, ...all } = await told(serve, wishes);
  assert.equal(firstFailure, undefined);
  assert.equal(all.failures, 0);
  assert.equal(all.sessions, wishes.sessions ?? 1);
  return all;
}

export const greeting: Step = { expect: "220" };
export const hello: Step = { send: "EHLO client.example\r\n", expect: "250" };
export const quit: readonly Step[] = [{ send: "QUIT\r\n", expect: "221" }, { end: true }];
export const dialogue = { steps: [greeting, hello, ...quit] };
export const capabilities = "250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
