/**
 * blocklistd(8), which has the firewall keep out whom programs tell it of, where its library is: that of FreeBSD, NetBSD,
 * or a port of it. Source: libblocklist(3); libblacklist(3), as it was called before 2020.
 */
import { existsSync } from "node:fs";
import { addressBits } from "../../protocol/ucspi/address.ts";
import { cString, ffi } from "./memory.ts";

/** A login that failed, or one that did not. */
export interface Told {
  readonly failed: boolean;
  /** The address of the client. */
  readonly client: string;
  /** Where it came in: TCPLOCALPORT. */
  readonly port: number;
}

const families = { 32: 2, 128: 10 };
const actions = { succeeded: 0, failed: 1 };

const folders = [
  "/usr/local/lib",
  "/usr/lib",
  "/lib",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
];
const names = ["blocklist", "blacklist"].flatMap((name) => [`lib${name}.so.0`, `lib${name}.so`]);

let found: { readonly path: string | undefined } | undefined;

/** The library of this machine; undefined when there is none. Looked for once. */
export function blocklistLibrary(): string | undefined {
  found ??= {
    path: folders
      .flatMap((folder) => names.map((name) => `${folder}/${name}`))
      .find((path) => existsSync(path)),
  };
  return found.path;
}

/** struct sockaddr_in or sockaddr_in6 of Linux, with the local port, as acceptutils has it; undefined for no address. */
export function socketAddress({ client, port }: Pick<Told, "client" | "port">): Buffer | undefined {
  const bits = addressBits(client);
  if (bits === undefined) return undefined;
  const octets = bits.match(/.{8}/g)!.map((octet) => Number.parseInt(octet, 2));
  const address = Buffer.alloc(octets.length === 4 ? 16 : 28);
  address.writeUInt16LE(octets.length === 4 ? families[32] : families[128], 0);
  address.writeUInt16BE(port, 2);
  address.set(octets, octets.length === 4 ? 4 : 8);
  return address;
}

type Tell = (action: number, socket: number, address: Buffer, octets: number, message: Buffer) => number;

/** Loads the library `path`. Throws when it is none. */
function load(path: string): Tell {
  const signature = { arguments: ["int32", "int32", "buffer", "uint32", "buffer"], return: "int32" } as const;
  let last: unknown;
  for (const symbol of ["blocklist_sa", "blacklist_sa"]) {
    try {
      return ffi().dlopen(path, { [symbol]: signature }).functions[symbol] as unknown as Tell;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

const loaded = new Map<string, Tell>();

/** `socket` has the local end that the client came to. Blocks for as long as a datagram takes. Throws Error, with why not. */
export function tellBlocklist(path: string, told: Told, socket: number): void {
  const address = socketAddress(told);
  if (address === undefined) return;
  const tell = loaded.get(path) ?? load(path);
  loaded.set(path, tell);
  const action = told.failed ? actions.failed : actions.succeeded;
  if (tell(action, socket, address, address.length, cString("authup")) !== 0)
    throw new Error("blocklistd does not answer");
}
