/** Asks one program after the other about a recipient: control/rcptchecks. qmail-rcptcheck(8) */
import { readList } from "../../control/control.ts";
import { CannotOpen, CannotRun, type System } from "../../system/system.ts";
import { printable } from "./check.ts";

/** `notRun`: a check could not be run, or crashed. */
export const exit = { accepted: 0, refused: 100, unable: 111, notRun: 120 };

/** What qmail-spp is told instead of an exit code. */
const sppLines: ReadonlyMap<number, string> = new Map([
  [exit.refused, "E553 sorry, no mailbox here by that name. (#5.1.1)"],
  [exit.unable, "R421 unable to verify recipient (#4.3.0)"],
  [exit.notRun, "R421 unable to execute recipient check (#4.3.0)"],
]);

/** Runs the checks until one of them has something against the recipient. Returns the exit code. */
export async function main(_: readonly string[], system: System): Promise<number> {
  const { env } = system;
  const forSpp = env.get("SMTPRCPTTO");
  if (forSpp !== undefined) env.set("RECIPIENT", forSpp).set("SENDER", env.get("SMTPMAILFROM") ?? "");
  const verdict = await verdictOfAll(system);
  if (forSpp === undefined) return verdict;
  const line = sppLines.get(verdict);
  if (line !== undefined) await system.output(1).write(Buffer.from(`${line}\n`, "latin1"));
  return exit.accepted;
}

async function verdictOfAll(system: System): Promise<number> {
  const sender = system.env.get("SENDER");
  const recipient = system.env.get("RECIPIENT");
  if (sender === undefined || recipient === undefined) return exit.unable;
  system.log(`qmail-rcptcheck: from ${printable(sender)} to ${printable(recipient)}`);
  try {
    system.chdir(system.home());
    for (const program of (await readList(system, "rcptchecks")) ?? []) {
      const verdict = await verdictOf(system, program);
      if (sppLines.has(verdict)) return verdict;
    }
    return exit.accepted;
  } catch (error) {
    if (error instanceof CannotOpen) return exit.unable;
    throw error;
  }
}

async function verdictOf(system: System, program: string): Promise<number> {
  // execv(3) does not look in PATH; a name without a slash is a file in the home folder.
  const path = program.includes("/") ? program : `./${program}`;
  try {
    const child = await system.spawn([path], { wires: {} });
    const ended = await child.wait();
    return "signal" in ended ? exit.notRun : ended.code;
  } catch (error) {
    if (error instanceof CannotRun) return exit.notRun;
    throw error;
  }
}
