/** `acceptutils rules check`: errors in rules, and what is odd about them. */
import { type Finding, lint, type Purpose } from "../../../protocol/fixsmtpio/lint.ts";
import type { Rule } from "../../../protocol/fixsmtpio/rule.ts";
import { type Command, exit, Misused, parse, type Verb } from "../verb.ts";
import { askServer } from "./child.ts";
import { readRulesFile, textOf } from "./files.ts";

export const check: Verb = {
  synopsis: "[FILE] [--run-script FILE] [--child 'PROG ARG…'] [--json]",
  does: "Reads a rules file and tells every error, and what is odd: rules that never fire, that are overridden or missing.",
  run,
};

type Remark = Finding & { readonly column?: number };

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({
    args: [...words],
    allowPositionals: true,
    options: { "run-script": { type: "string" }, child: { type: "string" }, json: { type: "boolean" } },
  });
  if (positionals.length > 1) throw new Misused(`"${positionals[1]}" is one word too many`);
  const { name, rules, problems } = await readRulesFile(positionals[0], command);
  const script = values["run-script"] === undefined ? undefined : await textOf(values["run-script"], command);
  const remarks: Remark[] = problems.map((problem) => ({ level: "error", ...problem }));
  remarks.push(...lint(rules, purposeOf(script, rules)));
  if (values.child !== undefined) remarks.push(...(await unsaid(rules, values.child, command)));
  remarks.sort((a, b) => a.line - b.line || (a.column ?? 0) - (b.column ?? 0));
  if (values.json) await command.json({ file: name, rules: rules.length, findings: remarks });
  else {
    for (const { line, column, level, text } of remarks) {
      const place = [name, ...(line === 0 ? [] : [line]), ...(column === undefined ? [] : [column])];
      await command.say(`${place.join(":")}: ${level}: ${text}`);
    }
    const count = remarks.length === 0 ? "nothing to remark" : `${remarks.length} to look at`;
    await command.say(`${name}: ${rules.length} rule${rules.length === 1 ? "" : "s"}, ${count}`);
  }
  return remarks.some(({ level }) => level === "error") ? exit.problem : exit.fine;
}

/** What a run script tells about the service; without one, what the rules themselves do. */
function purposeOf(script: string | undefined, rules: readonly Rule[]): Purpose {
  if (script === undefined) {
    return { behindAuthup: rules.some(({ env }) => env === "AUTHUP_USER"), offersTls: true };
  }
  const behindAuthup = /\bauthup\b/.test(script);
  const [, tls] = /\bUCSPITLS=['"]?([^\s'"]*)/.exec(script) ?? [];
  const offersTls = tls !== undefined && tls !== "-" && !behindAuthup;
  const hidesExtensions = /\bfixsmtpio(?:\s+-\S+|\s+\d+)*\s+-[bs]*h/.test(script);
  return { behindAuthup, offersTls, hidesExtensions, variables: variablesIn(script, rules, behindAuthup) };
}

/** What can set any variable: a tcprules file, a folder of variables, another script. */
const anything = /\s-x\s*\S|\benvdir\b|\bchpst\b[^\n]*\s-e\b|(^|\n|;)\s*(\.|source)\s/;

/** The variables that a chain sets; undefined when it could set any. sslserver(8), tcp-environ(5) */
function variablesIn(
  script: string,
  rules: readonly Rule[],
  behindAuthup: boolean,
): ReadonlySet<string> | undefined {
  if (anything.test(script)) return undefined;
  // One file serves incoming mail and submission: what only one of them sets is no mistake in the other.
  const variables = new Set(["PATH", "PROTO", "AUTHUP_USER", "FIXSMTPIOTLS"]);
  for (const [, name = ""] of script.matchAll(/\b([A-Za-z_][A-Za-z0-9_]*)=/g)) variables.add(name);
  for (const { env } of rules) if (/^(TCP|SSL_)/.test(env)) variables.add(env);
  if (behindAuthup) for (const name of ["USER", "HOME", "SHELL"]) variables.add(name);
  return variables;
}

const asked = ["ehlo", "helo", "help"] as const;

/** The rules whose globs match none of what the server really says. */
async function unsaid(rules: readonly Rule[], child: string, command: Command): Promise<Remark[]> {
  const requests = ["EHLO localhost\r\n", "HELO localhost\r\n", "HELP\r\n"];
  const replies = await askServer(child, requests, command);
  const heard = new Map(["greeting", ...asked].map((event, at) => [event, replies[at] ?? []]));
  return rules.flatMap(({ line, event, glob }): Remark[] => {
    const lines = heard.get(event);
    // A refusal is for another day: that the server is willing now says nothing of it.
    if (lines === undefined || /^[45]/.test(glob.prefix) || lines.some((text) => glob.matches(text)))
      return [];
    const text = `"${glob.source}" matches no line that ${child} says to ${event}`;
    return [{ line, level: "warning", text }];
  });
}
