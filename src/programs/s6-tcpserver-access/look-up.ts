/** What is to be found out about a connection: the names of both ends, and the user on the other one. */
import { reversedAddress } from "../../protocol/rbl/query-name.ts";
import { userOf } from "../../system/ident.ts";
import type { System } from "../../system/system.ts";
import type { AccessOptions } from "./options.ts";

/** The connection as the server before us describes it; `proto` is what its variables begin with. */
export interface Connection {
  readonly proto: string;
  readonly localIp: string;
  readonly localPort: number;
  readonly remoteIp: string;
  readonly remotePort: number;
}

export interface Names {
  readonly localHost?: string | undefined;
  readonly remoteHost?: string | undefined;
  readonly remoteInfo?: string | undefined;
}

/** A lookup failed, and that is the end (-w). */
export class LookUpFailed extends Error {
  override readonly name = "LookUpFailed";
}

const identSeconds = 26;

/** The connection, or what is wrong with the environment. */
export function connectionIn(env: ReadonlyMap<string, string>): Connection | string {
  const proto = env.get("PROTO");
  if (proto === undefined) return "PROTO is not set: a server has to stand before us";
  const names = ["LOCALIP", "LOCALPORT", "REMOTEIP", "REMOTEPORT"].map((fact) => `${proto}${fact}`);
  const missing = names.find((name) => !env.has(name));
  if (missing !== undefined) return `${missing} is not set: a server has to stand before us`;
  const [localIp = "", localPort = "", remoteIp = "", remotePort = ""] = names.map((name) => env.get(name)!);
  const isAddress = (ip: string) => reversedAddress(ip) !== undefined;
  const isPort = (port: string) => /^\d{1,5}$/.test(port);
  const right = [isAddress(localIp), isPort(localPort), isAddress(remoteIp), isPort(remotePort)];
  const wrong = names.find((_, at) => !right[at]);
  if (wrong !== undefined) return `${wrong} is invalid: "${env.get(wrong)}"`;
  return { proto, localIp, localPort: Number(localPort), remoteIp, remotePort: Number(remotePort) };
}

/** Throws LookUpFailed with -w, when something cannot be found out. */
export async function namesOf(
  connection: Connection,
  options: AccessOptions,
  system: System,
): Promise<Names> {
  const { localIp, remoteIp } = connection;
  const { lookUp, localName, paranoid, ident, verbosity, fatal } = options;
  const hosts = options.hosts ? hostsIn(await system.readFile("/etc/hosts")) : new Map<string, string>();
  const trouble = (what: string): undefined => {
    if (verbosity >= 3) system.log(`s6-tcpserver-access: warning: ${what}`);
    if (fatal) throw new LookUpFailed(what);
  };
  const nameOf = async (ip: string): Promise<string | undefined> => {
    const found = await system.resolve(arpaName(ip), "PTR").catch((error: Error) => trouble(error.message));
    // Only what can stand in a variable, a rule and a log line.
    return found?.find((name) => /^[A-Za-z0-9._-]{1,255}$/.test(name))?.replace(/\.$/, "");
  };
  const remoteName = async () => {
    const name = await nameOf(remoteIp);
    if (name === undefined || !paranoid) return name;
    const type = remoteIp.includes(":") ? "AAAA" : "A";
    const back = await system.resolve(name, type).catch((error: Error) => trouble(error.message));
    return back?.includes(remoteIp) ? name : undefined;
  };
  const user = async () => (await userOf(connection, identSeconds)) ?? trouble("no answer to an ident query");
  const [localHost, remoteHost, remoteInfo] = await Promise.all([
    localName ?? (lookUp ? (hosts.get(localIp) ?? nameOf(localIp)) : undefined),
    lookUp ? (hosts.get(remoteIp) ?? remoteName()) : undefined,
    ident ? user() : undefined,
  ]);
  return { localHost, remoteHost, remoteInfo };
}

function arpaName(ip: string): string {
  const reversed = reversedAddress(ip) ?? "";
  return `${reversed}.${reversed.length > 15 ? "ip6" : "in-addr"}.arpa`;
}

/** The first name of each address. hosts(5) */
function hostsIn(bytes: Uint8Array | undefined): ReadonlyMap<string, string> {
  const lines = Buffer.from(bytes ?? [])
    .toString("latin1")
    .split("\n");
  const fields = lines.map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
  // The first line that has an address counts.
  return new Map(
    fields
      .filter(([, host]) => host !== undefined)
      .reverse()
      .map(([address, host]) => [address!, host!] as const),
  );
}
