/** Receives mail from our users, completes its header and hands it to qmail-queue. ofmipd(8) */
import { BrokenCdb, Cdb } from "../../protocol/cdb/cdb.ts";
import { rewriteAddress } from "../../protocol/message-header/rewrite-host.ts";
import { maximumAddressOctets } from "../../protocol/smtp/address.ts";
import * as replies from "../../protocol/smtp/replies.ts";
import { type Reply, reply } from "../../protocol/smtp/reply.ts";
import type { Sender, Service } from "../../protocol/smtp/server-session.ts";
import { QueuedMessage } from "../../system/qmail-queue.ts";
import { type MessageTaker, serveSmtp } from "../../system/smtp-server.ts";
import { CannotOpen, CannotRun, type System } from "../../system/system.ts";
import { readSettings, type Settings } from "./settings.ts";
import { Submission } from "./submission.ts";

/** `refused`: we hung up on a client that broke the rules. authup takes 1 for a wrong password. */
export const exit = { done: 0, failed: 1, refused: 100 };

const timeoutSeconds = 1200;
const noConfiguration = reply(451, "unable to read configuration (#4.3.0)");
const noCdb = reply(451, "unable to read cdb (#4.3.0)");

/** Serves one client, who may send to anywhere, on descriptors 0 and 1. Returns the exit code. */
export async function main([namesFile]: readonly string[], system: System): Promise<number> {
  const read = await configuration(namesFile, system);
  if (read === undefined) {
    await system.output(1).write(Buffer.from(noConfiguration.wire, "latin1"));
    return exit.failed;
  }
  const { settings, names } = read;
  let ids = 0;
  const messageId = (stamp: string) => `<${stamp}.${++ids}.${system.pid}.qmail@${settings.idHost}>`;
  const end = await serveSmtp(system, {
    service: serviceOf(settings, names),
    greeting: reply(220, "ofmipd.local ESMTP"),
    timeoutSeconds,
    silence: undefined,
    takeMessage: async (transaction): Promise<MessageTaker | Reply> => {
      try {
        const queued = await QueuedMessage.open(system);
        return new Submission(system, queued, transaction, { ...settings, messageId });
      } catch (error) {
        if (!(error instanceof CannotRun)) throw error;
        system.log(`ofmipd ${system.pid} ${error.message}`);
        return replies.noQueue;
      }
    },
  });
  if (end === "refused") return exit.refused;
  return end === "orderly" ? exit.done : exit.failed;
}

/** Undefined when something that should be there is not. */
async function configuration(
  namesFile: string | undefined,
  system: System,
): Promise<{ settings: Settings; names: Uint8Array | undefined } | undefined> {
  try {
    const names = namesFile === undefined ? undefined : await system.readFile(namesFile);
    if (namesFile !== undefined && names === undefined) return undefined;
    system.chdir(system.home());
    return { settings: await readSettings(system), names };
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    system.log(`ofmipd ${system.pid} ${error.message}`);
    return undefined;
  }
}

function serviceOf({ rules, maximumOctets }: Settings, names: Uint8Array | undefined): Service {
  const complete = (address: string): string | Reply => {
    const whole = rewriteAddress(address, rules);
    return whole.length > maximumAddressOctets ? replies.syntaxError : whole;
  };
  return {
    name: "ofmipd.local",
    capabilities: ["PIPELINING", "8BITMIME"],
    help: "qmail home page: http://pobox.com/~djb/qmail.html",
    maximumOctets,
    sender: (address) => {
      const whole = complete(address);
      return typeof whole === "string" ? senderCalled(whole, names) : whole;
    },
    recipient: complete,
    asksAboutRecipients: false,
  };
}

/** The sender, and who it is when name.cdb knows. */
function senderCalled(address: string, names: Uint8Array | undefined): Sender | Reply {
  if (names === undefined) return { address };
  try {
    const data = new Cdb(names).get(address);
    const end = data?.indexOf("\0") ?? -1;
    return data === undefined || end < 0
      ? { address }
      : { address: data.slice(end + 1), name: data.slice(0, end) };
  } catch (error) {
    if (error instanceof BrokenCdb) return noCdb;
    throw error;
  }
}
