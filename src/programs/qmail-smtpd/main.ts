/** Receives mail from the world and hands it to qmail-queue. qmail-smtpd(8) */
import { HopCounter, maximumHops } from "../../protocol/smtp/hops.ts";
import { receivedField } from "../../protocol/smtp/received.ts";
import * as replies from "../../protocol/smtp/replies.ts";
import { type Reply, reply } from "../../protocol/smtp/reply.ts";
import type { Sender, Service, Transaction } from "../../protocol/smtp/server-session.ts";
import { QueuedMessage } from "../../system/qmail-queue.ts";
import { type MessageTaker, type Server, serveSmtp } from "../../system/smtp-server.ts";
import { CannotOpen, CannotRun, type System } from "../../system/system.ts";
import { askAbout } from "./rcptcheck.ts";
import { readSettings, type Settings } from "./settings.ts";

/** `done`: the client said QUIT. */
export const exit = { done: 0, failed: 1 };

/** Serves one client on descriptors 0 and 1. Returns the exit code. */
export async function main(_: readonly string[], system: System): Promise<number> {
  const settings = await settingsOf(system);
  if (settings === undefined) {
    await system.output(1).write(Buffer.from(replies.noControls.wire, "latin1"));
    return exit.failed;
  }
  const end = await serveSmtp(system, new Smtpd(system, settings));
  return end === "orderly" ? exit.done : exit.failed;
}

class Smtpd implements Server {
  readonly #system: System;
  readonly #settings: Settings;

  constructor(system: System, settings: Settings) {
    this.#system = system;
    this.#settings = settings;
  }

  get service(): Service {
    return this.#settings.service;
  }

  get greeting(): Reply {
    return this.#settings.files.greeting;
  }

  get timeoutSeconds(): number {
    return this.#settings.files.timeoutSeconds;
  }

  get silence(): Reply {
    return replies.silence;
  }

  takeMessage(transaction: Transaction, helo: string | undefined): Promise<MessageTaker | Reply> {
    return takeMessage(this.#system, transaction, helo, this.service.maximumOctets);
  }

  async askAbout(sender: Sender, recipient: string): Promise<Reply | undefined> {
    const { rcptCheck } = this.#settings;
    return rcptCheck === undefined ? undefined : askAbout(this.#system, rcptCheck, sender, recipient);
  }
}

async function settingsOf(system: System): Promise<Settings | undefined> {
  try {
    system.chdir(system.home());
    return await readSettings(system);
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    system.log(`qmail-smtpd ${system.pid} ${error.message}`);
    return undefined;
  }
}

async function takeMessage(
  system: System,
  transaction: Transaction,
  helo: string | undefined,
  maximumOctets: number,
): Promise<MessageTaker | Reply> {
  const { env } = system;
  try {
    const queued = await QueuedMessage.open(system);
    const trace = receivedField({
      remoteHost: env.get("TCPREMOTEHOST") ?? "unknown",
      remoteIp: env.get("TCPREMOTEIP") ?? "unknown",
      remoteInfo: env.get("TCPREMOTEINFO"),
      localHost: env.get("TCPLOCALHOST") ?? env.get("TCPLOCALIP") ?? "unknown",
      helo,
      now: system.now(),
    });
    void queued.write(Buffer.from(trace, "latin1"));
    return new Receipt(system, queued, transaction, maximumOctets);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    system.log(`qmail-smtpd ${system.pid} ${error.message}`);
    return replies.noQueue;
  }
}

/** One message from the network on its way into the queue. */
class Receipt implements MessageTaker {
  readonly #system: System;
  readonly #queued: QueuedMessage;
  readonly #transaction: Transaction;
  readonly #maximumOctets: number;
  readonly #hops = new HopCounter();
  #octets = 0;

  constructor(system: System, queued: QueuedMessage, transaction: Transaction, maximumOctets: number) {
    this.#system = system;
    this.#queued = queued;
    this.#transaction = transaction;
    this.#maximumOctets = maximumOctets || Number.POSITIVE_INFINITY;
  }

  write(content: Uint8Array): Promise<void> | undefined {
    const room = this.#maximumOctets - this.#octets;
    this.#octets += content.length;
    if (room < 0) return undefined; // read to its end, else the rest would be taken for commands
    this.#hops.take(content);
    if (content.length <= room) return this.#queued.write(content);
    void this.#queued.write(content.subarray(0, room));
    return this.#queued.fail();
  }

  async finish(): Promise<Reply> {
    const { sender, recipients } = this.#transaction;
    const looping = this.#hops.hops >= maximumHops;
    if (looping) await this.#queued.fail();
    const refusal = await this.#queued.finish({ sender: sender.address, recipients });
    if (refusal === undefined) {
      const seconds = Math.floor(this.#system.now() / 1000);
      return reply(250, `ok ${seconds} qp ${this.#queued.pid}`);
    }
    if (looping) return replies.looping;
    if (this.#octets > this.#maximumOctets) return replies.tooLarge;
    return reply(refusal.code, refusal.text);
  }

  giveUp(): Promise<void> {
    return this.#queued.giveUp();
  }
}
