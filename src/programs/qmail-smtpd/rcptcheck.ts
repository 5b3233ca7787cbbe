/** RCPTCHECK: a program that is asked about each recipient. Source: qmail's rcptcheck patch. */
import * as replies from "../../protocol/smtp/replies.ts";
import type { Reply } from "../../protocol/smtp/reply.ts";
import type { Sender } from "../../protocol/smtp/server-session.ts";
import { CannotRun, type Ended, type System } from "../../system/system.ts";

/** Runs `program` with SENDER and RECIPIENT set. Undefined when it has nothing against the recipient. */
export async function askAbout(
  system: System,
  program: string,
  sender: Sender,
  recipient: string,
): Promise<Reply | undefined> {
  const env = { SENDER: sender.address, RECIPIENT: recipient };
  // execv(3) does not look in PATH; a name without a slash is a file in the home folder.
  const path = program.includes("/") ? program : `./${program}`;
  try {
    const child = await system.spawn([path], { wires: {}, env });
    return refusalOf(await child.wait());
  } catch (error) {
    if (error instanceof CannotRun) return replies.checkNotRun;
    throw error;
  }
}

function refusalOf(ended: Ended): Reply | undefined {
  if ("signal" in ended || ended.code === 120) return replies.checkNotRun;
  if (ended.code === 100) return replies.checkRefused;
  return ended.code === 111 ? replies.checkUnable : undefined;
}
