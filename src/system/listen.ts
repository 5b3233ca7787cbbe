/** Listening sockets, as descriptors that can be given to another process. */

import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { type AddressInfo, createServer, isIP } from "node:net";
import { networkBits } from "../protocol/ucspi/address.ts";
import { duplicateFrom } from "./native.ts";
import { codeOf, systemWords } from "./system.ts";

export interface Listening {
  /** The descriptor; the caller's to close. */
  readonly fd: number;
  readonly port: number;
}

/** A service's port from /etc/services, for the names run scripts use. */
const ports: ReadonlyMap<string, number> = new Map([
  ["smtp", 25],
  ["submission", 587],
  ["smtps", 465],
  ["submissions", 465],
  ["pop3", 110],
  ["pop3s", 995],
]);

/** Why a socket cannot be listened on, in one line that says what to do. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
}

/** Where to listen. */
export interface Place {
  readonly host: string;
  readonly port: string;
  readonly backlog: number;
  readonly family: 4 | 6 | undefined;
  /** The interface of an address that is one of a link alone: fe80::1 and the like. */
  readonly scope?: string | undefined;
}

/**
 * Listens on `host` and `port` (a number, a service's name, or 0). Every address: empty or `0` (IPv4), `:0` or `::`
 * (both, or the one of `family`). Throws CannotListen.
 */
export async function listen(at: Place): Promise<Listening> {
  const port = portOf(at);
  const host = await addressOf(at.host, at.family, at.scope);
  const server = createServer();
  server.listen({ host, port, backlog: at.backlog, ipv6Only: at.family === 6 });
  try {
    await once(server, "listening");
  } catch (error) {
    const code = codeOf(error);
    const hint =
      code === "EADDRINUSE"
        ? `; another program listens on ${host} port ${port}: stop it or choose another port`
        : code === "EACCES"
          ? "; ports below 1024 need root"
          : "";
    throw new CannotListen(`unable to bind: ${systemWords(code)}${hint}`, { cause: error });
  }
  const { port: bound } = server.address() as { port: number };
  // Node.js closes its own descriptor with the server; the socket stays with the duplicate.
  const fd = duplicateFrom((server as unknown as { _handle: { fd: number } })._handle.fd, 10);
  server.close();
  await once(server, "close");
  return { fd, port: bound };
}

/** The same with a socket of the server before us, which is used if it is the right one, else closed. Throws CannotListen. */
export async function listenAgain(descriptor: number, at: Place): Promise<Listening> {
  const there = await listenOn(descriptor);
  const host = await addressOf(at.host, at.family, at.scope);
  if (there.port === portOf(at) && bitsOf(there.host) === bitsOf(host)) return there;
  closeSync(there.fd);
  return listen(at);
}

const bitsOf = (address: string) => networkBits(address.replace(/%.*/, ""));

function portOf({ port: text }: Place): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : ports.get(text);
  if (port === undefined || port > 65535)
    throw new CannotListen(`unable to figure out port number for ${text}`);
  return port;
}

/** A listening socket that somebody else opened, which is moved to a number of our own. Throws CannotListen. */
export async function listenOn(descriptor: number): Promise<Listening & { readonly host: string }> {
  const server = createServer();
  try {
    const fd = duplicateFrom(descriptor, 10);
    closeSync(descriptor);
    server.listen({ fd: duplicateFrom(fd, 10) });
    await once(server, "listening");
    const { address: host, port } = server.address() as AddressInfo;
    server.close();
    return { fd, port, host };
  } catch (error) {
    throw new CannotListen(`descriptor ${descriptor} is no listening socket`, { cause: error });
  }
}

/** The address to listen on: a literal of the family, or what a name leads to. Throws CannotListen. */
async function addressOf(
  host: string,
  family: 4 | 6 | undefined,
  scope: string | undefined,
): Promise<string> {
  if (host === "" || host === "0") return family === 6 ? "::" : "0.0.0.0";
  if (host === ":0" || host === "::") return family === 4 ? "0.0.0.0" : "::";
  const literal = isIP(host);
  if (literal !== 0 && family !== undefined && literal !== family)
    throw new CannotListen(`unable to figure out IP address for ${host}: it is none of IPv${family}`);
  if (literal !== 0) return scope !== undefined && /^fe80:/i.test(host) ? `${host}%${scope}` : host;
  try {
    return (await lookup(host, { family: family ?? 0 })).address;
  } catch (error) {
    throw new CannotListen(`temporarily unable to figure out IP address for ${host}`, { cause: error });
  }
}

/** The words for what keeps a server from serving. */
export function dieAs(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
