/** Refuses the recipients in control/badrcptto. qmail-rcptcheck(8) */
import { readList, setOf } from "../../control/control.ts";
import { domainOf } from "../../protocol/smtp/address.ts";
import { CannotOpen, type System } from "../../system/system.ts";
import { exit, printable, refuse } from "./check.ts";

/** Returns the exit code. Clients that may relay are not asked about. */
export async function main(_: readonly string[], system: System): Promise<number> {
  if (system.env.has("RELAYCLIENT")) return exit.accepted;
  const recipient = system.env.get("RECIPIENT");
  if (recipient === undefined) return exit.unable;
  try {
    system.chdir(system.home());
    const bad = setOf((await readList(system, "badrcptto")) ?? []);
    const domain = domainOf(recipient);
    const isBad = bad.has(recipient) || (domain !== undefined && bad.has(`@${domain}`));
    return isBad ? refuse(system, "badrcptto", printable(recipient)) : exit.accepted;
  } catch (error) {
    if (error instanceof CannotOpen) return exit.unable;
    throw error;
  }
}
