/**
 * Who may connect, and with which variables: the rules of tcprules(1), as a text and as records of a cdb.
 *
 *     192.0.2.7:allow,RELAYCLIENT=""      10.1-3.:deny      =.example.org:allow      2001:db8::/32:deny      :allow
 *
 * Source: tcprules(1), tcprulescheck(1) of ucspi-tcp; CIDR keys: ucspi-tcp6.
 */
import { addressBits, expandedAddress } from "./address.ts";

/** A line that is no rule; the message is what tcprules says of it. */
export class BadRule extends Error {
  override readonly name = "BadRule";
}

export type RuleRecord = readonly [key: string, data: string];

/** The records of a text of rules, in its order. Throws BadRule. */
export function* compileRules(text: string): Generator<RuleRecord> {
  for (const whole of text.split("\n")) {
    const line = whole.replace(/[ \t]+$/, "");
    if (line === "" || line.startsWith("#") || !line.includes(":")) continue;
    const [, address, instructions] = /^([^,]*):((?:allow|deny)(?:,.*)?)$/.exec(line) ?? [];
    if (address === undefined || instructions === undefined) throw unparsable(line);
    const data = dataOf(instructions, line);
    for (const key of keysOf(address, line)) yield [key, data];
  }
}

const unparsable = (line: string) => new BadRule(`fatal: unable to parse this line: ${line}`);

/** `deny,A="b"` as the record has it: `D\0+A=b\0`. */
function dataOf(instructions: string, line: string): string {
  const [word] = /^[a-z]+/.exec(instructions)!;
  let data = word === "deny" ? "D\0" : "";
  let rest = instructions.slice(word.length);
  while (rest !== "") {
    // One variable: its value stands between two of any character.
    const [all, name, value] = /^,([^=]*)=(.)((?:(?!\2).)*)\2/s.exec(rest)?.filter((_, at) => at !== 2) ?? [];
    if (all === undefined) throw unparsable(line);
    data += `+${name}=${value}\0`;
    rest = rest.slice(all.length);
  }
  return data;
}

function keysOf(address: string, line: string): string[] {
  const [, info = "", where = ""] = /^(.*@)?(.*)$/s.exec(address)!;
  if (where.startsWith("=") || where === "") return [address];
  const [, plain = "", length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(where) ?? [];
  const six = where.includes(":");
  if (length !== undefined || six) {
    const bits = addressBits(plain);
    if (bits === undefined || Number(length ?? 0) > bits.length)
      throw new BadRule(`syntax: invalid address on line: ${line}`);
    if (length === undefined) return [info + expandedAddress(plain)];
    return [`${info}${six ? "^" : "_"}${bits.slice(0, Number(length))}`];
  }
  // A range in the address of somebody at it is not expanded, in the original either.
  return info === "" ? expanded(where, line) : [address];
}

/** `10.1-3.` is `10.1.`, `10.2.` and `10.3.`; so is every further range. */
function expanded(address: string, line: string): string[] {
  if (!address.includes("-")) return [address];
  const [, before, low, high, after] = /^([0-9.]*?)(\d{0,3})-(\d{0,3})(?=\.|$)(.*)$/.exec(address) ?? [];
  if (before === undefined || after === undefined || Number(high) > 255) throw unparsable(line);
  const keys: string[] = [];
  for (let part = Number(low); part <= Number(high); part++)
    keys.push(...expanded(after, line).map((end) => `${before}${part}${end}`));
  return keys;
}

/** A client, as far as it is known. */
export interface Client {
  readonly ip: string;
  readonly host?: string | undefined;
  readonly info?: string | undefined;
}

/** The keys that may hold a client's rule; the first that is there decides, even if it says nothing. */
export function* keysFor({ ip, host, info }: Client): Generator<string> {
  const six = ip.includes(":");
  const forms = six ? [...new Set([expandedAddress(ip) ?? ip, ip])] : [ip];
  for (const form of forms) {
    if (info !== undefined) yield `${info}@${form}`;
  }
  if (info !== undefined && host !== undefined) yield `${info}@=${host}`;
  yield* forms;
  if (host !== undefined) yield `=${host}`;
  if (!six)
    for (let at = ip.lastIndexOf("."); at > 0; at = ip.lastIndexOf(".", at - 1)) yield ip.slice(0, at + 1);
  const bits = addressBits(ip) ?? "";
  for (let length = bits.length; length >= 0; length--) yield `${six ? "^" : "_"}${bits.slice(0, length)}`;
  if (host !== undefined) {
    for (let at = host.indexOf("."); at >= 0; at = host.indexOf(".", at + 1)) yield `=${host.slice(at)}`;
    yield "=";
  }
  yield "";
}

/** What is to be done with a client. */
export interface Verdict {
  /** The key that was found; undefined: no rule, and so allowed. */
  readonly rule: string | undefined;
  readonly deny: boolean;
  readonly env: ReadonlyMap<string, string>;
}

/** Looks a client up. `get` has the data of a key. */
export function verdictOn(client: Client, get: (key: string) => string | undefined): Verdict {
  for (const rule of keysFor(client)) {
    const data = get(rule);
    if (data === undefined) continue;
    const items = data.split("\0");
    const variables = items.filter((item) => /^\+[^=]+=/s.test(item)).map((item) => item.slice(1));
    const env = variables.map((text): [string, string] => {
      const at = text.indexOf("=");
      return [text.slice(0, at), text.slice(at + 1)];
    });
    return { rule, deny: items.includes("D"), env: new Map(env) };
  }
  return { rule: undefined, deny: false, env: new Map() };
}
