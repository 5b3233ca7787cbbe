/** The command line of s6-tcpserver-access. s6-tcpserver-access(8) */
import { getopt, Misused, numberOf } from "../getopt.ts";

export interface AccessOptions {
  /** 1: who is let in. 2: who is not. 3: what could not be found out. */
  readonly verbosity: number;
  /** A lookup that fails is the end (-w). */
  readonly fatal: boolean;
  readonly lookUp: boolean;
  /** Ask /etc/hosts first. */
  readonly hosts: boolean;
  readonly ident: boolean;
  readonly paranoid: boolean;
  readonly localName: string | undefined;
  readonly banner: string;
  /** For all of it (-t); undefined: as long as it takes. */
  readonly seconds: number | undefined;
  readonly rules: { readonly kind: "folder" | "cdb"; readonly path: string } | undefined;
  readonly argv: readonly string[];
}

export const usage =
  "s6-tcpserver-access: usage: s6-tcpserver-access [ -v verbosity ] [ -W | -w ] [ -D | -d ] [ -H ] [ -h ] [ -R | -r ] [ -P | -p ] [ -l localname ] [ -B banner ] [ -t timeout ] [ -i rulesdir | -x rulesfile ] prog...";

const plain: ReadonlyMap<string, Partial<AccessOptions>> = new Map<string, Partial<AccessOptions>>([
  ["W", { fatal: false }],
  ["w", { fatal: true }],
  ["H", { lookUp: false }],
  ["h", { hosts: true }],
  ["R", { ident: false }],
  ["r", { ident: true }],
  ["P", { paranoid: false }],
  ["p", { paranoid: true }],
  ["D", {}], // TCP_NODELAY: our servers always set it
  ["d", {}],
]);

/** Throws Misused. */
export function parseOptions(words: readonly string[]): AccessOptions {
  const { given, rest } = getopt(words, "v:WwDdHhRrPpl:B:t:i:x:");
  let options: AccessOptions = {
    verbosity: 1,
    fatal: false,
    lookUp: true,
    hosts: false,
    ident: false,
    paranoid: false,
    localName: undefined,
    banner: "",
    seconds: undefined,
    rules: undefined,
    argv: rest,
  };
  for (const one of given) {
    const { letter, value } = one;
    if (letter === "v") options = { ...options, verbosity: numberOf(one) };
    else if (letter === "t") options = { ...options, seconds: numberOf(one) / 1000 || undefined };
    else if (letter === "l") options = { ...options, localName: value };
    else if (letter === "B") options = { ...options, banner: value };
    else if (letter === "i") options = { ...options, rules: { kind: "folder", path: value } };
    else if (letter === "x") options = { ...options, rules: { kind: "cdb", path: value } };
    else options = { ...options, ...plain.get(letter) };
  }
  if (rest.length === 0) throw new Misused("");
  return options;
}
