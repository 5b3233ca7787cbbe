/** Turns away clients that DNS lists name, and runs the SMTP server for the others. rblsmtpd(8) */
import {
  type Answer,
  consider,
  type List,
  type Opinion,
  opinionOf,
  type Refusal,
} from "../../protocol/rbl/decision.ts";
import { isLoopback, reversedAddress } from "../../protocol/rbl/query-name.ts";
import { CommandReader } from "../../protocol/smtp/command.ts";
import { greeting, turnAway } from "../../protocol/smtp/reject-session.ts";
import { reply } from "../../protocol/smtp/reply.ts";
import { DnsTrouble, type RecordType } from "../../system/dns.ts";
import { CannotRun, Closed, type System, TimedOut } from "../../system/system.ts";
import { leadingNumber, type Options, parseOptions, type Step, usage } from "./options.ts";

/** `turnedAway`: the client was refused, and all is well. */
export const exit = { turnedAway: 0, misused: 100, temporary: 111 };

/** All lookups together take no longer. */
const patienceSeconds = 15;

/** Returns the exit code: 0 when the client was turned away, else that of the program that was run. */
export async function main(words: readonly string[], system: System): Promise<number> {
  const options = parseOptions(words);
  if ("complaint" in options) {
    if (options.complaint !== undefined) system.log(`rblsmtpd: ${options.complaint}`);
    system.log(usage);
    return exit.misused;
  }
  const { decision } = await opinionOn(system, options.steps);
  if (typeof decision === "object") {
    if (!options.tellOnly) return turnedAway(system, decision, options);
    system.env.set("RBLSMTPD", `[RBL info] ${decision.text}`);
  }
  // Nothing of ours waits for the end of the program but what to say if it cannot be run.
  return system.exec(options.program).catch((error: unknown) => {
    if (!(error instanceof CannotRun)) throw error;
    system.log(`rblsmtpd: fatal: ${error.message}`);
    return exit.temporary;
  });
}

/** All lists are asked at once, and heard from left to right. */
async function opinionOn(system: System, steps: readonly Step[]): Promise<Opinion> {
  const told = opinionOf(system.env.get("RBLSMTPD"));
  if (told.decision !== "none") return told;
  const answers = asked(system, steps);
  let opinion = told;
  for (const step of steps) {
    if (step.do === "ask") {
      opinion = consider(opinion, step.list, (await answers.get(step)) ?? { records: [] });
    } else if (opinion.decision === "none") {
      await system.sleep(step.seconds ?? leadingNumber(system.env.get("GREETDELAY") ?? ""));
    }
    if (opinion.decision !== "none") break;
  }
  return opinion;
}

/** What each list answers. A client without address, or one that is ourselves, is on no list. */
function asked(system: System, steps: readonly Step[]): ReadonlyMap<Step, Promise<Answer>> {
  const answers = new Map<Step, Promise<Answer>>();
  const ip = system.env.get("TCPREMOTEIP") ?? "";
  const reversed = isLoopback(ip) ? undefined : reversedAddress(ip);
  if (reversed === undefined) return answers;
  for (const step of steps) {
    if (step.do === "ask") answers.set(step, inTime(system, ask(system, step.list, reversed)));
  }
  return answers;
}

async function ask(system: System, list: List, reversed: string): Promise<Answer> {
  const types: readonly RecordType[] =
    list.kind === "refuse" ? ["TXT"] : reversed.length > 15 ? ["A", "AAAA"] : ["A"];
  try {
    const name = `${reversed}.${list.base}`;
    const records = await Promise.all(types.map((type) => system.resolve(name, type)));
    return { records: records.flat() };
  } catch (error) {
    if (error instanceof DnsTrouble) return "trouble";
    throw error;
  }
}

async function inTime(system: System, answer: Promise<Answer>): Promise<Answer> {
  const late = system.sleep(patienceSeconds);
  const first = await Promise.race([answer, late.then((): Answer => "trouble")]);
  late.cancel();
  return first;
}

/** Talks to the client until it leaves, or its time is over. */
async function turnedAway(
  system: System,
  { code, text }: Refusal,
  { timeoutSeconds }: Options,
): Promise<number> {
  const who = `rblsmtpd: ${system.env.get("TCPREMOTEIP") ?? ""} pid ${system.pid}:`;
  const refusal = reply(code, text);
  system.log(`${who} ${code} ${text}`);
  const commands = new CommandReader();
  const end = system.now() + timeoutSeconds * 1000;
  try {
    if (timeoutSeconds === 0) {
      await system.output(1).write(Buffer.from(refusal.wire, "latin1"));
      return exit.turnedAway;
    }
    let unsaid = greeting.wire;
    for (;;) {
      if (unsaid !== "") await system.output(1).write(Buffer.from(unsaid, "latin1"));
      unsaid = "";
      const left = (end - system.now()) / 1000;
      if (left <= 0) throw new TimedOut();
      const chunk = await system.input(0).read(left);
      if (chunk === null) return exit.turnedAway;
      commands.give(chunk);
      for (let command = commands.next(); command !== undefined; command = commands.next()) {
        const { reply: said, over } = turnAway(command, refusal);
        unsaid += said.wire;
        if (!over) continue;
        await system.output(1).write(Buffer.from(unsaid, "latin1"));
        return exit.turnedAway;
      }
    }
  } catch (error) {
    if (error instanceof TimedOut) system.log(`${who} timed out after ${timeoutSeconds} seconds`);
    else if (!(error instanceof Closed)) throw error;
    return exit.turnedAway;
  }
}
