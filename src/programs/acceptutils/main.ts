/** acceptutils: the one command for people. acceptutils(8) */
import { Closed, codeOf, type System, systemWords } from "../../system/system.ts";
import { init } from "./init.ts";
import { install } from "./install.ts";
import { penalty } from "./penalty.ts";
import { rules } from "./rules/rules.ts";
import { up } from "./up.ts";
import { user } from "./user.ts";
import { Command, exit, Misused, Problem, type Verb } from "./verb.ts";

/** The verbs, in the order people meet them. */
export const verbs: ReadonlyMap<string, Verb> = new Map([
  ["init", init],
  ["up", up],
  ["install", install],
  ["user", user],
  ["rules", rules],
  ["penalty", penalty],
]);

/** Runs one verb. Returns the exit code: 0 fine, 1 problem, 2 misused, 111 temporary. */
export async function main(words: readonly string[], system: System): Promise<number> {
  const [name, ...rest] = words;
  const command = new Command(system);
  if (name === undefined || ["help", "--help", "-h"].includes(name)) {
    for (const line of overview()) await command.say(line);
    return name === undefined ? exit.misused : exit.fine;
  }
  const verb = verbs.get(name);
  try {
    if (verb === undefined) throw new Misused(`there is no verb "${name}"; acceptutils --help lists them`);
    const asked = verb.helpsItself ? rest.slice(0, 1) : rest;
    if (asked.some((word) => word === "--help" || word === "-h")) {
      for (const line of helpOf(name, verb)) await command.say(line);
      return exit.fine;
    }
    return await verb.run(rest, command);
  } catch (error) {
    return explain(
      error,
      command,
      verb && { usage: usageOf(name, verb), home: verb.synopsis.includes("--home") },
    );
  }
}

export function usageOf(name: string, { synopsis }: Verb): string {
  return `usage: acceptutils ${name} ${synopsis}`;
}

/** What --help shows of one verb. */
export function helpOf(name: string, verb: Verb): string[] {
  const options = [...(verb.options ?? [])];
  const width = Math.max(...options.map(([option]) => option.length));
  return [
    usageOf(name, verb),
    verb.does,
    ...(options.length > 0 ? [""] : []),
    ...options.map(([option, means]) => `  ${option.padEnd(width)}  ${means}`),
  ];
}

function overview(): string[] {
  return [
    "usage: acceptutils VERB …",
    "",
    ...[...verbs].flatMap(([name, { synopsis, does }]) => [`  ${name} ${synopsis}`, `      ${does}`]),
    "",
    "acceptutils VERB --help tells the words of one verb.",
  ];
}

interface Asked {
  readonly usage: string;
  /** Whether the verb takes --home. */
  readonly home: boolean;
}

/** One line for whoever typed the command; the stack only for mistakes of ours. */
function explain(error: unknown, command: Command, asked: Asked | undefined): number {
  if (error instanceof Misused) {
    command.note(error.message);
    if (asked !== undefined) command.note(asked.usage);
    return exit.misused;
  }
  if (error instanceof Problem) {
    command.note(error.message);
    return exit.problem;
  }
  if (error instanceof Closed) return exit.fine; // as `| head` does: it has heard enough
  const path = error instanceof Error ? placeOf(error) : undefined;
  if (path === undefined || codeOf(error) === "") throw error;
  const advice = adviceFor(error, asked?.home ? "name another place with --home" : "name another folder");
  command.note([`${path}: ${systemWords(codeOf(error))}`, ...advice].join("; "));
  return exit.problem;
}

/** What the caller can do about what the system said, if we know of anything. */
function adviceFor(error: unknown, elsewhere: string): string[] {
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
      return [`start as its owner, or ${elsewhere}`];
    case "ENOENT":
      return ofMkdir(error) ? [elsewhere] : ["acceptutils init makes what is missing in a home folder"];
    case "EEXIST":
    case "EISDIR":
    case "ENAMETOOLONG":
    case "ENOTDIR":
    case "EROFS":
      return [elsewhere];
    case "ENOSPC":
      return ["make room, and start again"];
    default:
      return [];
  }
}

/** A folder that cannot be made is not missing. */
const ofMkdir = (error: unknown) => error instanceof Error && "syscall" in error && error.syscall === "mkdir";

/** The file or socket that the system would not let us have. */
function placeOf(error: Error): string | undefined {
  if ("path" in error && typeof error.path === "string") return error.path;
  return "address" in error && typeof error.address === "string" ? error.address : undefined;
}
