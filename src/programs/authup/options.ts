/** The words after `authup`: `[ -t tries ] <smtp|pop3> prog [ arg ... ]`. */
import { pop3 } from "../../protocol/authup/pop3.ts";
import type { Dialect } from "../../protocol/authup/session.ts";
import { smtp } from "../../protocol/authup/smtp.ts";

/** A protocol that authup speaks, and the control files it reads for it. */
export interface Protocol {
  readonly name: "smtp" | "pop3";
  readonly dialect: Dialect;
  readonly defaultTries: number;
  readonly timeoutFile: "timeoutsmtpd" | "timeoutpop3d";
}

const protocols: readonly Protocol[] = [
  { name: "smtp", dialect: smtp, defaultTries: 5, timeoutFile: "timeoutsmtpd" },
  { name: "pop3", dialect: pop3, defaultTries: 1, timeoutFile: "timeoutpop3d" },
];

export interface Options {
  readonly protocol: Protocol;
  readonly tries: number;
  /** What checks the password: prog and its arguments. */
  readonly argv: readonly string[];
}

const usage = "authup: usage: authup [ -t tries ] <smtp|pop3> prog";

/** The options, or the lines that say what is wrong with them. As getopt(3) reads them: `-t5`, `-t 5`, `--`. */
export function parseOptions(words: readonly string[]): Options | { readonly wrong: readonly string[] } {
  let tries = 0;
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      at++;
      break;
    }
    if (!/^-./.test(word)) break;
    if (word[1] !== "t") return { wrong: [`authup: illegal option -- ${word[1]}`, usage] };
    const value = word.length > 2 ? word.slice(2) : words[++at];
    if (value === undefined) return { wrong: ["authup: option requires an argument -- t", usage] };
    if (!/^[0-9]{1,9}$/.test(value)) return { wrong: [usage] };
    tries = Number(value);
  }
  const name = words[at] ?? "";
  const argv = words.slice(at + 1);
  const protocol = protocols.find((each) => each.name === name.toLowerCase());
  if (protocol === undefined || argv.length === 0) return { wrong: [usage] };
  return { protocol, tries: tries === 0 ? protocol.defaultTries : tries, argv };
}
