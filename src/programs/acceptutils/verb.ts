/** What every verb of `acceptutils` is made of: its words, its way of speaking, and how it refuses. */
import { resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { System } from "../../system/system.ts";

/** Exit codes, repeated in acceptutils(8). */
export const exit = { fine: 0, problem: 1, misused: 2, permanent: 100, temporary: 111 } as const;

/** One line of the table of verbs. */
export interface Verb {
  /** What comes after the verb, as in the man page's SYNOPSIS. */
  readonly synopsis: string;
  /** One sentence. */
  readonly does: string;
  /** Each option and what it means, for --help, where the synopsis alone would not tell. */
  readonly options?: ReadonlyMap<string, string>;
  /** It looks for --help itself: among its words may be those of other programs. */
  readonly helpsItself?: true;
  /** Returns the exit code. Throws Problem and Misused. */
  run(words: readonly string[], command: Command): Promise<number>;
}

/** Something that the caller must change: one line that says what to do, exit code 1. */
export class Problem extends Error {
  override readonly name = "Problem";
}

/** The command line makes no sense: one line and the usage, exit code 2. */
export class Misused extends Error {
  override readonly name = "Misused";
}

/** What a verb has to do with its caller. */
export class Command {
  readonly system: System;
  readonly #startedIn: string;

  constructor(system: System) {
    this.system = system;
    this.#startedIn = system.env.get("ACCEPTUTILS_STARTED_IN") ?? system.cwd();
  }

  /** A path the caller typed, from the folder the caller was in. */
  path(typed: string): string {
    return resolve(this.#startedIn, typed);
  }

  /** A line of the answer, on descriptor 1. */
  async say(line = ""): Promise<void> {
    await this.system.output(1).write(Buffer.from(line + "\n"));
  }

  /** The answer for scripts: one line of JSON. */
  json(facts: unknown): Promise<void> {
    return this.say(JSON.stringify(facts));
  }

  /** A line for the caller that is no part of the answer, on descriptor 2. */
  note(line: string): void {
    // The log is of bytes: those of our own words are UTF-8.
    this.system.log(`acceptutils: ${Buffer.from(line).toString("latin1")}`);
  }
}

/** util.parseArgs, in our words. Throws Misused. */
export function parse<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs<Config>({ ...config, args: joined(config) });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!(error instanceof Error) || !code.startsWith("ERR_PARSE_ARGS")) throw error;
    throw new Misused((error.message.split(/\. (?=To specify)|\n/, 1)[0] ?? "").replaceAll("'", '"'));
  }
}

/** `--port-base -5` as `--port-base=-5`: a number below 0 is a bad number, and no option of that name. */
function joined({ args = [], options = {} }: ParseArgsConfig): string[] {
  const words: string[] = [];
  for (const word of args) {
    const before = words.at(-1) ?? "";
    const wants = before.startsWith("--") && options[before.slice(2)]?.type === "string";
    if (wants && /^-\d/.test(word)) words.splice(-1, 1, `${before}=${word}`);
    else words.push(word);
  }
  return words;
}

/** A decimal number of an option, from `lowest` to `highest`. Throws Misused. */
export function numberOf(option: string, text: string, lowest: number, highest: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (number < lowest || number > highest) {
    throw new Misused(`--${option} wants a number from ${lowest} to ${highest}, not "${text}"`);
  }
  return number;
}

/** The one word a verb wants beside its options. Throws Misused. */
export function onlyWord(words: readonly string[], what: string): string {
  const [word, extra] = words;
  if (word === undefined || word === "") throw new Misused(`${what} is missing`);
  if (extra !== undefined) throw new Misused(`"${extra}" is one word too many`);
  return word;
}
