/**
 * The shell around protocol/smtp/server-session: reads what came, runs the machine over all of it, and writes all
 * replies at once before it reads again. A message goes to its taker while it arrives.
 */
import { CommandReader } from "../protocol/smtp/command.ts";
import { DataDecoder } from "../protocol/smtp/dot-unstuffing.ts";
import * as replies from "../protocol/smtp/replies.ts";
import type { Reply } from "../protocol/smtp/reply.ts";
import {
  type Action,
  fresh,
  recipientChecked,
  type Sender,
  type Service,
  type Session,
  step,
  type Transaction,
} from "../protocol/smtp/server-session.ts";
import { passesThrough } from "./passing-memory.ts";
import { Closed, type System, TimedOut } from "./system.ts";

/** Takes one message as it arrives, with LF line ends. */
export interface MessageTaker {
  /** The bytes belong to the taker. The promise, when there is one, is back-pressure. */
  write(content: Uint8Array): Promise<void> | undefined;
  /** The message is complete: what to tell the client. */
  finish(): Promise<Reply>;
  /** It will never be complete. */
  giveUp(): Promise<void>;
}

/** What a server program does beside talking. */
export interface Server {
  readonly service: Service;
  readonly greeting: Reply;
  /** How long the client may keep silent, or not read. */
  readonly timeoutSeconds: number;
  /** What to say then; undefined: nothing. */
  readonly silence: Reply | undefined;
  /** Begins to take a message, or says why not. */
  takeMessage(transaction: Transaction, helo: string | undefined): Promise<MessageTaker | Reply>;
  /** Asks outside about a recipient. A refusal, if so. */
  askAbout?(sender: Sender, recipient: string): Promise<Reply | undefined>;
}

/** How a session ended. `orderly`: with QUIT. `refused`: we hung up on a client that broke the rules. */
export type End = "orderly" | "gone" | "silent" | "refused";

/** Serves one client on descriptors 0 and 1, to the end of the session. */
export function serveSmtp(system: System, server: Server): Promise<End> {
  return new Conversation(system, server).run();
}

class Conversation {
  readonly #system: System;
  readonly #server: Server;
  readonly #commands = new CommandReader();
  #session: Session = fresh;
  #unsaid = "";

  constructor(system: System, server: Server) {
    this.#system = system;
    this.#server = server;
  }

  async run(): Promise<End> {
    try {
      this.#say(this.#server.greeting);
      for (;;) {
        const chunk = await this.#read();
        if (chunk === null) return "gone";
        this.#commands.give(chunk);
        for (let actions = this.#converse(); actions !== undefined; actions = this.#converse()) {
          const end = await this.#carryOut(actions);
          if (end !== undefined) return end;
        }
      }
    } catch (error) {
      if (error instanceof Closed) return "gone";
      if (!(error instanceof TimedOut)) throw error;
      return this.#silence();
    }
  }

  /** Replies to all commands that are there, up to one whose actions are to be waited for: these are returned. */
  #converse(): readonly Action[] | undefined {
    for (let command = this.#commands.next(); command !== undefined; command = this.#commands.next()) {
      this.#system.record({ verb: command.verb });
      const [session, actions] = step(this.#session, command, this.#server.service);
      this.#session = session;
      for (let at = 0; at < actions.length; at++) {
        const action = actions[at]!;
        if (action.do !== "reply") return actions.slice(at);
        this.#say(action.reply);
      }
    }
    return undefined;
  }

  async #carryOut(actions: readonly Action[]): Promise<End | undefined> {
    for (const action of actions) {
      const end = action.do === "reply" ? this.#say(action.reply) : await this.#act(action);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  async #act(action: Exclude<Action, { do: "reply" }>): Promise<End | undefined> {
    switch (action.do) {
      case "askAbout": {
        const refusal = await this.#server.askAbout?.(action.sender, action.recipient);
        const [session, actions] = recipientChecked(this.#session, action.recipient, refusal);
        this.#session = session;
        return this.#carryOut(actions);
      }
      case "takeMessage":
        return this.#takeMessage(action.transaction, action.helo);
      case "hangUp":
        await this.#flush();
        return action.orderly ? "orderly" : "refused";
      default:
        return action satisfies never;
    }
  }

  async #takeMessage(transaction: Transaction, helo: string | undefined): Promise<End | undefined> {
    const taker = await this.#server.takeMessage(transaction, helo);
    if ("wire" in taker) return this.#say(taker);
    this.#say(replies.goAhead);
    let complete = false;
    try {
      const decoder = new DataDecoder();
      for (let chunk: Uint8Array | null = this.#commands.takeRest(); ; chunk = await this.#read()) {
        if (chunk === null) return "gone";
        const { content, next, found } = decoder.take(chunk); // decoded where it lies: the bytes are ours
        if (found === "more") passesThrough(chunk);
        const room = taker.write(content);
        if (room !== undefined) await room;
        if (found === "more") continue;
        complete = found === "end";
        if (found === "bareLineFeed") return await this.#hangUp(replies.bareLineFeed);
        if (found === "bareCarriageReturn") return await this.#hangUp(replies.bareCarriageReturn);
        this.#commands.give(chunk.subarray(next));
        const verdict = await taker.finish();
        if (verdict.code < 300) this.#system.record({ messages: 1 });
        this.#say(verdict);
        return undefined;
      }
    } finally {
      if (!complete) await taker.giveUp();
    }
  }

  #say(reply: Reply): undefined {
    this.#unsaid += reply.wire;
  }

  async #hangUp(reply: Reply): Promise<End> {
    this.#say(reply);
    await this.#flush();
    return "refused";
  }

  async #silence(): Promise<End> {
    if (this.#server.silence === undefined) return "silent";
    try {
      this.#say(this.#server.silence);
      await this.#flush();
    } catch (error) {
      if (!(error instanceof Closed || error instanceof TimedOut)) throw error;
    }
    return "silent";
  }

  #read(): Promise<Uint8Array | null> {
    const next = () => this.#system.input(0).read(this.#server.timeoutSeconds);
    const flushed = this.#flush();
    return flushed === undefined ? next() : flushed.then(next);
  }

  /** Everything unsaid, in one write. Throws (or rejects with) Closed, or TimedOut when the client does not read. */
  #flush(): Promise<void> | undefined {
    if (this.#unsaid === "") return undefined;
    const bytes = Buffer.from(this.#unsaid, "latin1");
    this.#unsaid = "";
    const written = this.#system.output(1).write(bytes);
    return written && this.#inTime(written);
  }

  async #inTime(written: Promise<void>): Promise<void> {
    const late = this.#system.sleep(this.#server.timeoutSeconds);
    const inTime = await Promise.race([written.then(() => true), late.then(() => false)]).finally(
      late.cancel,
    );
    if (!inTime) throw new TimedOut();
  }
}
