/**
 * What a UCSPI server says of a connection in the environment. Source: tcp-environ(5); sslserver(1) of ucspi-ssl.
 * A name without a value is to be unset: nothing stale may be left over from the server's own environment.
 */

/** The two ends of a connection, as far as they are known. Addresses as text; IPv4 in IPv6 as the dotted quad. */
export interface Ends {
  readonly family: "IPv4" | "IPv6";
  readonly localIp: string;
  readonly localPort: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** The name given with -l, or found. */
  readonly localHost?: string | undefined;
  readonly remoteHost?: string | undefined;
  /** The user that the client's ident server named (-r). */
  readonly remoteInfo?: string | undefined;
}

/** An IPv4 address that came in as `::ffff:1.2.3.4` is the dotted quad everywhere. */
export function plainAddress(address: string): { ip: string; family: "IPv4" | "IPv6" } {
  const ip = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
  return { ip, family: ip.includes(":") ? "IPv6" : "IPv4" };
}

/** The variables of a connection: TCP* as tcpserver has them, SSL* as sslserver has them. */
export function connectionEnvironment(
  ends: Ends,
  { tcp, ssl }: { readonly tcp: boolean; readonly ssl: boolean },
): ReadonlyMap<string, string | undefined> {
  const facts: [string, string | undefined][] = [
    ["LOCALIP", ends.localIp],
    ["LOCALPORT", String(ends.localPort)],
    ["LOCALHOST", ends.localHost],
    ["REMOTEIP", ends.remoteIp],
    ["REMOTEPORT", String(ends.remotePort)],
    ["REMOTEHOST", ends.remoteHost],
    ["REMOTEINFO", ends.remoteInfo],
  ];
  const six = ends.family === "IPv6";
  const env = new Map<string, string | undefined>([["PROTO", tcp ? (six ? "TCP6" : "TCP") : "SSL"]]);
  for (const [name, value] of facts) {
    if (ssl) env.set(`SSL${name}`, value);
    env.set(`TCP${name}`, tcp ? value : undefined);
    env.set(`TCP6${name}`, tcp && six && name !== "REMOTEINFO" ? value : undefined);
  }
  return env;
}

/** The same as s6-tcpserver says it: PROTO is always TCP, and of names and users nothing is known yet. */
export function s6Environment(ends: Ends, othersHere: number): ReadonlyMap<string, string | undefined> {
  const unknown = { localHost: undefined, remoteHost: undefined, remoteInfo: undefined };
  const known = connectionEnvironment({ ...ends, ...unknown, family: "IPv4" }, { tcp: true, ssl: false });
  return new Map([...known, ["TCPCONNNUM", String(othersHere)]]);
}
