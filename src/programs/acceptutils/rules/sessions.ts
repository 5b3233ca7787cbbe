/** `acceptutils rules test` and `replay`: session files played by rules, and what is different then. */
import { diff } from "node:util";
import { playSession } from "../../../protocol/fixsmtpio/player.ts";
import type { RuleSet } from "../../../protocol/fixsmtpio/rule-set.ts";
import { formatSession, type Session } from "../../../protocol/fixsmtpio/session-file.ts";
import { type Command, exit, Misused, parse, type Verb } from "../verb.ts";
import { goodRules, readSessions, rulesBeside } from "./files.ts";

export const test: Verb = {
  synopsis: "DIR|SESSION… [--rules FILE]",
  does: "Plays session files and tells which of them go otherwise than they say; DIR/fixsmtpio are the rules, if it exists.",
  run: runTest,
};

export const replay: Verb = {
  synopsis: "DIR|SESSION… --rules NEW",
  does: "Plays recorded sessions with other rules and tells what would change.",
  run: runReplay,
};

async function runTest(words: readonly string[], command: Command): Promise<number> {
  const { names, rules } = read(words);
  const { rules: ruleSet } = await goodRules(rules ?? rulesBeside(names[0], command), command);
  const sessions = await readSessions(names, command);
  let failed = 0;
  for (const { name, session } of sessions) {
    const changes = differences(session, ruleSet);
    if (changes.length > 0) failed += 1;
    await command.say(`${changes.length === 0 ? "ok    " : "FAILED"} ${name}`);
    for (const line of changes) await command.say(`         ${line}`);
  }
  await command.say(`${counted(sessions.length)}, ${failed} failed`);
  return failed === 0 ? exit.fine : exit.problem;
}

async function runReplay(words: readonly string[], command: Command): Promise<number> {
  const { names, rules } = read(words);
  if (rules === undefined) throw new Misused("--rules is missing");
  const { rules: ruleSet } = await goodRules(rules, command);
  const sessions = await readSessions(names, command);
  let changed = 0;
  for (const { name, session } of sessions) {
    const changes = differences(session, ruleSet);
    if (changes.length === 0) continue;
    changed += 1;
    await command.say(name);
    for (const line of changes) await command.say(`  ${line}`);
    if (changes.some((line) => /^[-+] s:/.test(line))) {
      await command.say("  (the server would be asked something else: its replies are those of then)");
    }
  }
  await command.say(`${counted(sessions.length)}, ${changed} would change`);
  return changed === 0 ? exit.fine : exit.problem;
}

const counted = (number: number) => `${number} session${number === 1 ? "" : "s"}`;

function read(words: readonly string[]): { names: readonly string[]; rules: string | undefined } {
  const { values, positionals } = parse({
    args: [...words],
    allowPositionals: true,
    options: { rules: { type: "string" } },
  });
  if (positionals.length === 0) throw new Misused("DIR is missing");
  return { names: positionals, rules: values.rules };
}

/** What these rules make otherwise than the file says: `-` what it says, `+` what happens, with a line around. */
export function differences(session: Session, rules: RuleSet): readonly string[] {
  const played = playSession(session, rules);
  const parts: (keyof Heard)[] = ["serverHears", "clientHears"];
  // A file that does not say what one side hears leaves it open.
  const told = parts.filter((part) => session.moments.some((moment) => moment[part] !== ""));
  const only = (from: Session): Session => ({
    ...from,
    moments: from.moments.map(({ act, ...heard }) => ({
      act,
      serverHears: told.includes("serverHears") ? heard.serverHears : "",
      clientHears: told.includes("clientHears") ? heard.clientHears : "",
    })),
    exitCode: session.exitCode === undefined ? undefined : from.exitCode,
  });
  const marked = diff(formatSession(only(played)).split("\n"), formatSession(only(session)).split("\n"));
  const near = (at: number) => marked.slice(Math.max(0, at - 1), at + 2).some(([side]) => side !== 0);
  return marked
    .filter((_, at) => near(at))
    .map(([side, line]) => `${side === 0 ? " " : side > 0 ? "+" : "-"} ${line}`);
}

type Heard = Pick<Session["moments"][number], "serverHears" | "clientHears">;
