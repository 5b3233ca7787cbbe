/** `acceptutils rules explain`: which rule did what to which line, and which exit code won. */
import { playSession } from "../../../protocol/fixsmtpio/player.ts";
import type { Step } from "../../../protocol/fixsmtpio/rewrite.ts";
import { formatRule } from "../../../protocol/fixsmtpio/rule.ts";
import type { RuleSet } from "../../../protocol/fixsmtpio/rule-set.ts";
import type { Session } from "../../../protocol/fixsmtpio/session-file.ts";
import type { Observer } from "../../../protocol/fixsmtpio/settings.ts";
import { visible } from "../../../protocol/fixsmtpio/visible.ts";
import { type Command, exit, Misused, parse, type Verb } from "../verb.ts";
import { askServer } from "./child.ts";
import { goodRules, readSession } from "./files.ts";
import { askedFor, sessionOf } from "./one-event.ts";

export const explain: Verb = {
  synopsis:
    "[SESSION] [--rules FILE] [--event EVENT] [--env NAME[=VALUE]]… [--tls] [--child 'PROG ARG…'|--reply LINE]…",
  does: "Shows each line before and after, the rule that did it, the rules it overrode, and the exit code that won.",
  run,
};

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({
    args: [...words],
    allowPositionals: true,
    options: {
      rules: { type: "string" },
      event: { type: "string" },
      env: { type: "string", multiple: true, default: [] },
      tls: { type: "boolean" },
      child: { type: "string" },
      reply: { type: "string", multiple: true },
    },
  });
  const file = await goodRules(values.rules, command);
  const [path, extra] = positionals;
  if (extra !== undefined) throw new Misused(`"${extra}" is one word too many`);
  if (path !== undefined) {
    const { session } = await readSession(path, command);
    for (const line of explained(session, file)) await command.say(line);
    return exit.fine;
  }
  const { event, child, reply } = values;
  if (event === undefined) throw new Misused("SESSION or --event is missing");
  const lower = event.toLowerCase();
  const hasReply = lower !== "clienteof";
  if (hasReply && (child === undefined) === (reply === undefined)) {
    throw new Misused("--event wants --child or --reply");
  }
  if (!hasReply && (child ?? reply) !== undefined) throw new Misused(`nobody replies to ${lower}`);
  const circumstances = {
    env: new Map(values.env.map((text) => [text.split("=", 1)[0] ?? "", ""])),
    greeting: "localhost",
    tls: values.tls ? ("available" as const) : ("unavailable" as const),
    options: {},
    exitCode: undefined,
  };
  const heard =
    child === undefined
      ? (reply ?? []).map((line) => `${line}\r\n`)
      : (await askServer(child, askedFor(lower, circumstances, file.rules), command)).at(-1);
  const session = sessionOf(lower, circumstances, (heard ?? []).join(""));
  const lines = explained(session, file);
  const start = lines.indexOf(`event ${lower}`);
  for (const line of lines.slice(Math.max(0, start))) await command.say(line);
  return exit.fine;
}

/** The explanation of a whole session, as lines. `name` is that of the rules file. */
export function explained(
  session: Session,
  { name, rules }: { readonly name: string; readonly rules: RuleSet },
): readonly string[] {
  const lines: string[] = [];
  let steps: Step[] = [];
  const given: Step[] = [];
  const observer: Observer = {
    request: ({ line, front, prefix, passed }) => {
      if (line !== "") lines.push(`C: ${shown(line)}`);
      const sent = front + prefix + passed;
      if (sent !== line && passed !== "") lines.push(`   goes on as ${shown(sent)}`);
    },
    ownAnswer: (text) => lines.push(`c: ${shown(text)}`, "   from fixsmtpio itself"),
    rule: (step) => {
      steps.push(step);
      if (step.rule.exitCode !== undefined) given.push(step);
      if (step.rule.event === "clienteof") lines.push("event clienteof", ...byRules(name, [step]));
      if (step.rule.event === "clienteof") steps = [];
    },
    reply: ({ event, reply, sent }) => {
      lines.push(`event ${event === "" ? "(none)" : event}`);
      for (const [index, text] of (reply.match(/[^\n]*\n|[^\n]+$/g) ?? []).entries()) {
        lines.push(
          `S: ${shown(text)}`,
          ...byRules(
            name,
            steps.filter((step) => step.index === index),
          ),
        );
      }
      const heard = sent.match(/[^\n]*\n|[^\n]+$/g) ?? [];
      lines.push(...heard.map((text) => `c: ${shown(text)}`));
      if (heard.length === 0) lines.push("c: (nothing)");
      steps = [];
    },
  };
  const { exitCode } = playSession(session, rules, observer);
  const won = given.at(-1);
  if (won !== undefined) {
    const others = given.slice(0, -1).map(({ rule }) => `${rule.exitCode} by line ${rule.line}`);
    const before = others.length === 0 ? "" : `, the last one given; before it ${others.join(", ")}`;
    lines.push(`exit code ${won.rule.exitCode}, by ${name}:${won.rule.line}${before}`);
  } else if (exitCode !== undefined) lines.push(`exit code ${exitCode}, the server's own`);
  return lines;
}

/** What the rules that matched one line did to it, in their order. */
function byRules(name: string, steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step, at) => {
    const { rule, before, after } = step;
    const decider = steps.slice(at + 1).find(decides);
    const overridden =
      decider !== undefined && before !== after ? ` (overridden by line ${decider.rule.line})` : "";
    const code = rule.exitCode === undefined ? "" : `, exit code ${rule.exitCode}`;
    return [`   ${name}:${rule.line}: ${formatRule(rule)}`, `      ${effectOf(step)}${code}${overridden}`];
  });
}

const decides = ({ rule, before, after }: Step) => after !== before || rule.response.do === "delete";

function effectOf({ rule, before, after }: Step): string {
  if (rule.event === "clienteof") return "applies";
  if (before === after) return "leaves it";
  return after === "" ? "deletes it" : `makes it ${shown(after)}`;
}

const shown = (text: string) => visible(text.replace(/\r\n$/, ""));
