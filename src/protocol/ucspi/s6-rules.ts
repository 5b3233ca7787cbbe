/**
 * Who may connect, in the rules of s6-tcpserver-access: not those of tcprules. A rule is found by the networks of an
 * address, from the smallest to all of them, or by the ends of a name. Source: s6-accessrules-cdb-from-fs
 */
import { addressBits, addressText } from "./address.ts";

export interface AccessRule {
  readonly allow: boolean;
  /** Variables to set, or (undefined) to unset. */
  readonly env: ReadonlyMap<string, string | undefined>;
  /** What is run in place of the next program: text for execlineb. */
  readonly exec?: string | undefined;
}

/** `ip4/192.0.2.7_32`, `ip4/192.0.2.6_31`, … `ip4/0.0.0.0_0`; the same as ip6. */
export function* addressKeys(ip: string): Generator<string> {
  const bits = addressBits(ip);
  if (bits === undefined) return;
  const family = bits.length === 32 ? "ip4" : "ip6";
  for (let length = bits.length; length >= 0; length--) {
    const network = bits.slice(0, length).padEnd(bits.length, "0");
    const octets = Buffer.from(network.match(/.{8}/g)!.map((octet) => Number.parseInt(octet, 2)));
    yield `${family}/${addressText(octets)}_${length}`;
  }
}

/** `reversedns/mx.example.org`, `reversedns/example.org`, `reversedns/org`, `reversedns/@`. */
export function* nameKeys(host: string): Generator<string> {
  for (let rest = host; rest !== ""; ) {
    yield `reversedns/${rest}`;
    const dot = rest.indexOf(".");
    rest = dot < 0 ? "" : rest.slice(dot + 1);
  }
  yield "reversedns/@";
}

/**
 * A rule as it is in a cdb: `D`, or `A` with two texts after their lengths (two octets each, big endian), which are
 * variables, each ended by NUL, and what is to be run. Undefined when it is none.
 */
export function accessRule(data: string): AccessRule | undefined {
  if (data[0] === "D") return { allow: false, env: new Map() };
  if (data[0] !== "A") return undefined;
  const bytes = Buffer.from(data, "latin1");
  const text = (at: number): string | undefined => {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    return end > bytes.length ? undefined : bytes.toString("latin1", at + 2, end);
  };
  const variables = text(1);
  const exec = variables === undefined ? undefined : text(3 + variables.length);
  if (variables === undefined || exec === undefined) return undefined;
  return { allow: true, env: variablesOf(variables), exec: exec === "" ? undefined : exec };
}

function variablesOf(text: string): ReadonlyMap<string, string | undefined> {
  const items = text.split("\0").filter((item) => item !== "");
  return new Map(
    items.map((item) => {
      const at = item.indexOf("=");
      return at < 0 ? [item, undefined] : [item.slice(0, at), item.slice(at + 1)];
    }),
  );
}

/** The value in a file of an `env` folder: its first line without blanks at the end, NUL for a line end; empty: unset. */
export function variableIn(file: string): string | undefined {
  return file === ""
    ? undefined
    : file
        .replace(/\n[\s\S]*$/, "")
        .replace(/[ \t]+$/, "")
        .replaceAll("\0", "\n");
}
