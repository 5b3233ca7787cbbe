/** What qmail-smtpd takes from its environment and control files. qmail-smtpd(8) */
import { readBadMailFrom } from "../../control/badmailfrom.ts";
import { readLineOrMe, readTimeout } from "../../control/control.ts";
import { dataBytesIn, readDataBytes } from "../../control/databytes.ts";
import { readRcptHosts } from "../../control/rcpthosts.ts";
import { readKnownMailboxes } from "../../control/recipients.ts";
import * as replies from "../../protocol/smtp/replies.ts";
import type { Sender, Service } from "../../protocol/smtp/server-session.ts";
import type { System } from "../../system/system.ts";

export interface Settings {
  readonly greeting: string;
  readonly timeoutSeconds: number;
  readonly service: Service;
  /** The program to ask about recipients. */
  readonly rcptCheck: string | undefined;
}

/** What stands in control files, for all sessions. Undefined when there is no name to greet with. */
async function readFiles(system: System) {
  const greeting = await readLineOrMe(system, "smtpgreeting");
  if (greeting === undefined) return undefined;
  return {
    greeting,
    localIpHost: await readLineOrMe(system, "localiphost"),
    timeoutSeconds: await readTimeout(system, "timeoutsmtpd"),
    taken: await readRcptHosts(system),
    bad: await readBadMailFrom(system),
    mailbox: await readKnownMailboxes(system),
    databytes: await readDataBytes(system),
  };
}

/** Undefined when there is no name to greet with. Throws CannotOpen. */
export async function readSettings(system: System): Promise<Settings | undefined> {
  const { env } = system;
  const files = await system.settings("qmail-smtpd", () => readFiles(system));
  if (files === undefined) return undefined;
  const { greeting, localIpHost, timeoutSeconds, taken, bad, mailbox, databytes } = files;
  const suffix = env.get("RELAYCLIENT");
  const rcptCheck = env.get("RCPTCHECK");

  /** `user@[ip]` is `user@localiphost` when the address is ours. */
  const named = (address: string): string => {
    const [, name, ip] = /^(.*@)\[([0-9.]{7,15})\]$/s.exec(address) ?? [];
    return localIpHost !== undefined && ip !== undefined && system.addresses().has(ip)
      ? name + localIpHost
      : address;
  };
  const recipient = (given: string, sender: Sender) => {
    const address = named(given);
    if (bad(sender.address)) return replies.badSender;
    if (suffix === undefined && !taken(address)) return replies.noRelay;
    const whole = address + (suffix ?? "");
    return mailbox(whole) ? whole : replies.noMailbox;
  };
  return {
    greeting,
    timeoutSeconds,
    rcptCheck,
    service: {
      name: greeting,
      capabilities: ["PIPELINING", "8BITMIME"],
      help: "netqmail home page: http://qmail.org/netqmail",
      maximumOctets: dataBytesIn(env) ?? databytes,
      sender: (address) => ({ address: named(address) }),
      recipient,
      asksAboutRecipients: rcptCheck !== undefined && suffix === undefined,
    },
  };
}
