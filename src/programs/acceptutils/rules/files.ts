/** Rules files and session files, as the verbs of `acceptutils rules` read them. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { type Problem as Mistake, parseRules, type Rule } from "../../../protocol/fixsmtpio/rule.ts";
import { RuleSet } from "../../../protocol/fixsmtpio/rule-set.ts";
import { BadSession, parseSession, type Session } from "../../../protocol/fixsmtpio/session-file.ts";
import { filesIn } from "../../../system/folder.ts";
import { homeFolder } from "../default-home.ts";
import { type Command, Problem } from "../verb.ts";

/** What session files are called: they can lie beside the rules they are about. */
export const sessionEnding = ".session";

export interface RulesFile {
  /** As the caller would name it. */
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly problems: readonly Mistake[];
}

/** The file that was named, else control/fixsmtpio of the home folder, or of qmail. Throws Problem. */
export async function readRulesFile(typed: string | undefined, command: Command): Promise<RulesFile> {
  const name = typed ?? usualFile(command);
  return { name, ...parseRules(await textOf(name, command)) };
}

/** Where programs look for it that are given no home folder. */
const qmail = "/var/qmail";

function usualFile(command: Command): string {
  const home = homeFolder(undefined, command);
  const homes = command.system.env.has("ACCEPTUTILS_HOME") ? [home] : [home, qmail];
  const paths = homes.map((folder) => join(folder, "control", "fixsmtpio"));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Problem(`there is no ${paths.join(", and no ")}: name the rules file`);
  return found;
}

/** As readRulesFile, for verbs that need rules without errors. Throws Problem. */
export async function goodRules(
  typed: string | undefined,
  command: Command,
): Promise<{ readonly name: string; readonly rules: RuleSet }> {
  const { name, rules, problems } = await readRulesFile(typed, command);
  const [first, ...others] = problems;
  if (first === undefined) return { name, rules: new RuleSet(rules) };
  const more = others.length === 0 ? "" : `, and ${others.length} more: see acceptutils rules check`;
  throw new Problem(`${name}:${first.line}:${first.column}: ${first.text}${more}`);
}

export interface NamedSession {
  readonly name: string;
  readonly session: Session;
}

/** The session files that were named, and those in folders that were. Throws Problem. */
export async function readSessions(
  typed: readonly string[],
  command: Command,
): Promise<readonly NamedSession[]> {
  const missing = typed.find((name) => !existsSync(command.path(name)));
  if (missing !== undefined) throw new Problem(`${missing}: there is no such folder or session file`);
  const paths = typed.flatMap((name) =>
    name.endsWith(sessionEnding) ? [name] : filesIn(command.path(name), sessionEnding),
  );
  if (paths.length === 0) throw new Problem(`no *${sessionEnding} file in ${typed.join(", ")}`);
  return Promise.all(paths.map((path) => readSession(path, command)));
}

export async function readSession(path: string, command: Command): Promise<NamedSession> {
  try {
    return { name: basename(path, sessionEnding), session: parseSession(await textOf(path, command)) };
  } catch (error) {
    throw error instanceof BadSession ? new Problem(`${path}:${error.line}: ${error.message}`) : error;
  }
}

/** Rules that lie in the folder of their sessions, called `fixsmtpio`; undefined when there are none. */
export function rulesBeside(folder: string | undefined, command: Command): string | undefined {
  if (folder === undefined || folder.endsWith(sessionEnding)) return undefined;
  const path = join(folder, "fixsmtpio");
  return existsSync(command.path(path)) ? path : undefined;
}

export async function textOf(name: string, command: Command): Promise<string> {
  const bytes = await command.system.readFile(command.path(name));
  if (bytes === undefined) throw new Problem(`${name}: file does not exist`);
  return Buffer.from(bytes).toString("latin1");
}
