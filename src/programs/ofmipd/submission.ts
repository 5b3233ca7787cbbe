/** One message from a user on its way into the queue: its header is completed, its body goes through. */
import { completeHeader } from "../../protocol/message-header/complete.ts";
import { HeaderReader } from "../../protocol/message-header/header-reader.ts";
import type { HostRules } from "../../protocol/message-header/rewrite-host.ts";
import { rfc5322Date } from "../../protocol/smtp/date.ts";
import * as replies from "../../protocol/smtp/replies.ts";
import { type Reply, reply } from "../../protocol/smtp/reply.ts";
import type { Sender, Transaction } from "../../protocol/smtp/server-session.ts";
import type { QueuedMessage } from "../../system/qmail-queue.ts";
import type { MessageTaker } from "../../system/smtp-server.ts";
import type { System } from "../../system/system.ts";

export interface Circumstances {
  readonly rules: HostRules;
  readonly maximumOctets: number;
  /** The Message-ID of a message that has none. */
  readonly messageId: (stamp: string) => string;
}

/** A header that is not read to its end cannot be cleared of Bcc; to pass it on would be worse than to refuse it. */
const headerTooLarge = reply(552, "sorry, the header of that message is too large (#5.3.4)");

export class Submission implements MessageTaker {
  readonly #system: System;
  readonly #queued: QueuedMessage;
  readonly #transaction: Transaction;
  readonly #circumstances: Circumstances;
  #header: HeaderReader | undefined = new HeaderReader();
  #octets = 0;
  #refusal: Reply | undefined;

  constructor(system: System, queued: QueuedMessage, transaction: Transaction, circumstances: Circumstances) {
    this.#system = system;
    this.#queued = queued;
    this.#transaction = transaction;
    this.#circumstances = circumstances;
  }

  write(content: Uint8Array): Promise<void> | undefined {
    if (this.#refusal !== undefined) return undefined; // read to its end, else the rest would be taken for commands
    const { maximumOctets } = this.#circumstances;
    this.#octets += content.length;
    if (maximumOctets > 0 && this.#octets > maximumOctets) return this.#refuse(replies.tooLarge);
    if (this.#header === undefined) return this.#queued.write(content);
    const header = this.#header.take(content);
    if (header === undefined) return undefined;
    if (header === "tooLong") return this.#refuse(headerTooLarge);
    this.#header = undefined;
    void this.#queued.write(this.#completed(header.fields));
    return this.#queued.write(header.body);
  }

  async finish(): Promise<Reply> {
    if (this.#refusal === undefined && this.#header !== undefined) {
      await this.#queued.write(this.#completed(this.#header.atEnd().fields));
    }
    const { sender, recipients } = this.#transaction;
    const refusal = await this.#queued.finish({ sender: sender.address, recipients });
    if (refusal === undefined) return replies.ok;
    return this.#refusal ?? reply(refusal.code, refusal.text);
  }

  giveUp(): Promise<void> {
    return this.#queued.giveUp();
  }

  #refuse(refusal: Reply): Promise<void> | undefined {
    this.#refusal = refusal;
    return this.#queued.fail();
  }

  #completed(fields: Parameters<typeof completeHeader>[0]): Uint8Array {
    const now = this.#system.now();
    const { rules, messageId } = this.#circumstances;
    const { sender } = this.#transaction;
    const header = completeHeader(fields, {
      rules,
      sender: mailboxOf(sender),
      senderIsKnown: sender.name !== undefined,
      now,
      messageId,
    });
    return Buffer.from(receivedField(this.#system.env, now) + header, "latin1");
  }
}

function mailboxOf({ address, name = "" }: Sender) {
  const at = address.lastIndexOf("@");
  return at < 0
    ? { name, local: address, host: "" }
    : { name, local: address.slice(0, at), host: address.slice(at + 1) };
}

function receivedField(env: ReadonlyMap<string, string>, now: number): string {
  const info = env.get("TCPREMOTEINFO");
  const from = `${info === undefined ? "" : `${safe(info)}@`}${safe(env.get("TCPREMOTEIP") ?? "unknown")}`;
  return `Received: (ofmipd ${from}); ${rfc5322Date(now)}\n`;
}

/** Any other byte could end the comment, or the line. */
const safe = (text: string) => text.replace(/[^!-~]|[()@\\]/g, "?");
