/** What qmail-smtpd takes from its environment and control files. qmail-smtpd(8) */
import { readBadMailFrom } from "../../control/badmailfrom.ts";
import { readLineOrMe, readTimeout } from "../../control/control.ts";
import { dataBytesIn, readDataBytes } from "../../control/databytes.ts";
import { readRcptHosts } from "../../control/rcpthosts.ts";
import { readKnownMailboxes } from "../../control/recipients.ts";
import * as replies from "../../protocol/smtp/replies.ts";
import { type Reply, reply } from "../../protocol/smtp/reply.ts";
import type { Sender, Service } from "../../protocol/smtp/server-session.ts";
import type { System } from "../../system/system.ts";

export interface Settings {
  /** The same for all sessions. */
  readonly files: { readonly greeting: Reply; readonly timeoutSeconds: number };
  readonly service: Service;
  /** The program to ask about recipients. */
  readonly rcptCheck: string | undefined;
}

/** What stands in control files, for all sessions. Undefined when there is no name to greet with. */
async function readFiles(system: System) {
  const name = await readLineOrMe(system, "smtpgreeting");
  if (name === undefined) return undefined;
  return {
    name,
    greeting: reply(220, `${name} ESMTP`),
    localIpHost: await readLineOrMe(system, "localiphost"),
    timeoutSeconds: await readTimeout(system, "timeoutsmtpd"),
    taken: await readRcptHosts(system),
    bad: await readBadMailFrom(system),
    mailbox: await readKnownMailboxes(system),
    databytes: await readDataBytes(system),
  };
}

type Files = NonNullable<Awaited<ReturnType<typeof readFiles>>>;

/** Undefined when there is no name to greet with. Throws CannotOpen. */
export async function readSettings(system: System): Promise<Settings | undefined> {
  const files = await system.settings("qmail-smtpd", () => readFiles(system));
  if (files === undefined) return undefined;
  const rcptCheck = system.env.get("RCPTCHECK");
  return { files, rcptCheck, service: new Receiving(files, rcptCheck, system) };
}

/** What a session accepts: by the control files, and by its environment. */
class Receiving implements Service {
  readonly maximumOctets: number;
  readonly asksAboutRecipients: boolean;
  readonly #files: Files;
  readonly #suffix: string | undefined;
  readonly #system: System;

  constructor(files: Files, rcptCheck: string | undefined, system: System) {
    this.#files = files;
    this.#suffix = system.env.get("RELAYCLIENT");
    this.#system = system;
    this.maximumOctets = dataBytesIn(system.env) ?? files.databytes;
    this.asksAboutRecipients = rcptCheck !== undefined && this.#suffix === undefined;
  }

  get name(): string {
    return this.#files.name;
  }

  get capabilities(): readonly string[] {
    return capabilities;
  }

  get help(): string {
    return "netqmail home page: http://qmail.org/netqmail";
  }

  sender(address: string): Sender {
    return { address: this.#named(address) };
  }

  recipient(given: string, sender: Sender): string | Reply {
    const { bad, taken, mailbox } = this.#files;
    const address = this.#named(given);
    if (bad(sender.address)) return replies.badSender;
    if (this.#suffix === undefined && !taken(address)) return replies.noRelay;
    const whole = address + (this.#suffix ?? "");
    return mailbox(whole) ? whole : replies.noMailbox;
  }

  /** `user@[ip]` is `user@localiphost` when the address is ours. */
  #named(address: string): string {
    const { localIpHost } = this.#files;
    const [, name, ip] = /^(.*@)\[([0-9.]{7,15})\]$/s.exec(address) ?? [];
    return localIpHost !== undefined && ip !== undefined && this.#system.addresses().has(ip)
      ? name + localIpHost
      : address;
  }
}

const capabilities = ["PIPELINING", "8BITMIME"];
