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
  /** The interface, when the addresses are those of one link alone. */
  readonly scope?: string | undefined;
  /** The user that the client's ident server named (-r). */
  readonly remoteInfo?: string | undefined;
}

/** An IPv4 address that came in as `::ffff:1.2.3.4` is the dotted quad everywhere; `fe80::1%eth0` has a scope. */
export function plainAddress(address: string): {
  ip: string;
  family: "IPv4" | "IPv6";
  scope: string | undefined;
} {
  if (!address.includes(":")) return { ip: address, family: "IPv4", scope: undefined };
  const [whole = "", scope] = address.split("%");
  const ip = whole.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
  return { ip, family: ip.includes(":") ? "IPv6" : "IPv4", scope };
}

/** What an earlier server may have left in the environment, and only this connection can say. */
const ofConnections =
  /^(TCP6?|SSL)(LOCAL|REMOTE)(IP|PORT|HOST|INFO)$|^(PROTO|TCP6INTERFACE|TCPCONNNUM)$|^SSL(CTL|READ|WRITE)FD$|^SSL_((PROTOCOL|SESSION_ID|CIPHER|VERSION|TLS|PEER)(_|$)|(SERVER|CLIENT)_)/;

/** A server's own environment as its programs may have it. */
export function withoutConnection(env: Iterable<readonly [string, string]>): Map<string, string> {
  return new Map([...env].filter(([name]) => !ofConnections.test(name)));
}

const variablesOf = (what: string) => ({ ssl: `SSL${what}`, tcp: `TCP${what}`, tcp6: `TCP6${what}` });

/** In the order of the values of a connection. */
const variables = "LOCALIP LOCALPORT LOCALHOST REMOTEIP REMOTEPORT REMOTEHOST REMOTEINFO"
  .split(" ")
  .map(variablesOf);

/**
 * The variables of a connection: TCP* as tcpserver has them, SSL* as sslserver has them. What is not known is not among
 * them, and is to be unset: see withoutConnection.
 */
export function connectionEnvironment(
  ends: Ends,
  { tcp, ssl }: { readonly tcp: boolean; readonly ssl: boolean },
): Map<string, string> {
  const values = [
    ends.localIp,
    String(ends.localPort),
    ends.localHost,
    ends.remoteIp,
    String(ends.remotePort),
    ends.remoteHost,
    ends.remoteInfo,
  ];
  const six = ends.family === "IPv6";
  const env = new Map([["PROTO", tcp ? (six ? "TCP6" : "TCP") : "SSL"]]);
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (value === undefined) continue;
    const names = variables[at]!;
    if (ssl) env.set(names.ssl, value);
    if (tcp) env.set(names.tcp, value);
    if (tcp && six && names.tcp6 !== "TCP6REMOTEINFO") env.set(names.tcp6, value);
  }
  if (tcp && six && ends.scope !== undefined) env.set("TCP6INTERFACE", ends.scope);
  return env;
}

/** The same as s6-tcpserver says it: PROTO is always TCP, and of names and users nothing is known yet. */
export function s6Environment(ends: Ends, othersHere: number): Map<string, string> {
  const unknown = { localHost: undefined, remoteHost: undefined, remoteInfo: undefined };
  const known = connectionEnvironment({ ...ends, ...unknown, family: "IPv4" }, { tcp: true, ssl: false });
  return known.set("TCPCONNNUM", String(othersHere));
}
