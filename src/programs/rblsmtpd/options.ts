/** The command line of rblsmtpd. Options act in the order they stand in. rblsmtpd(8) */
import type { List } from "../../protocol/rbl/decision.ts";

export const usage =
  "rblsmtpd: usage: rblsmtpd [ -b ] [ -R ] [ -t timeout ] [ -r base ] [ -a base ] smtpd [ arg ... ]";

export type Step =
  | { readonly do: "ask"; readonly list: List }
  /** Undefined: as long as GREETDELAY says. */
  | { readonly do: "wait"; readonly seconds: number | undefined };

export interface Options {
  readonly steps: readonly Step[];
  /** How long a client that is turned away may stay; 0: it is told at once. */
  readonly timeoutSeconds: number;
  /** Turn nobody away: tell the next program. */
  readonly tellOnly: boolean;
  readonly program: readonly string[];
}

const withArgument = "ratw";
const alone = "bBcCiW";

/** The options, or what to say to whoever wrote them. */
export function parseOptions(words: readonly string[]): Options | { readonly complaint: string | undefined } {
  const steps: Step[] = [];
  let [timeoutSeconds, tellOnly, forGood, closed] = [60, false, false, false];
  let next = 0;
  for (; words[next]?.startsWith("-") && words[next] !== "-"; next++) {
    const word = words[next]!;
    if (word === "--") {
      next++;
      break;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      if (!(withArgument + alone).includes(letter)) return { complaint: `illegal option -- ${letter}` };
      let argument = "";
      if (withArgument.includes(letter)) {
        const given = at + 1 < word.length ? word.slice(at + 1) : words[++next];
        if (given === undefined) return { complaint: `option requires an argument -- ${letter}` };
        argument = given;
        at = word.length;
      }
      if (letter === "r")
        steps.push({ do: "ask", list: { kind: "refuse", base: argument, forGood, closed } });
      else if (letter === "a") steps.push({ do: "ask", list: { kind: "accept", base: argument, closed } });
      else if (letter === "w") steps.push({ do: "wait", seconds: leadingNumber(argument) });
      else if (letter === "W") steps.push({ do: "wait", seconds: undefined });
      else if (letter === "t") timeoutSeconds = leadingNumber(argument);
      else if (letter === "i") tellOnly = true;
      else if (letter === "b" || letter === "B") forGood = letter === "b";
      else closed = letter === "c";
    }
  }
  const program = words.slice(next);
  // What grew has room to spare; a copy has none, for as long as the session lasts.
  return program.length === 0
    ? { complaint: undefined }
    : { steps: steps.slice(), timeoutSeconds, tellOnly, program };
}

/** As scan_ulong: the digits it begins with, else 0. */
export function leadingNumber(text: string): number {
  return Number(/^[0-9]{1,9}/.exec(text)?.[0] ?? 0);
}
