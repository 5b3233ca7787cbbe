/**
 * The caller's side of qmail-queue: the message goes to descriptor 0 while it arrives, then the envelope to
 * descriptor 1. Until the envelope's last NUL is there nothing is queued, so giving up is closing both.
 * Source: qmail-queue(8); qmail's qmail.c. The bytes: protocol/queue.
 */
import { type Envelope, envelopeBytes } from "../protocol/queue/envelope.ts";
import {
  cannotRunExit,
  crashed,
  customExit,
  maximumCustomOctets,
  type Refusal,
  readError,
  refusalOf,
} from "../protocol/queue/verdict.ts";
import { CannotRun, type Child, Closed, type Input, type Output, type System } from "./system.ts";

/** Fewer octets than this wait for company: most messages then are one write. */
const gatherOctets = 16384;

const gatherPieces = 64;

/** How long a program that was told to give up, or that has exited, may keep us waiting. */
const patienceSeconds = 10;

/** Failures that are about this moment and not about the program. */
const outOfResources = new Set(["EAGAIN", "ENOMEM", "EMFILE", "ENFILE"]);

/** One message on its way into the queue. Call `finish` or `giveUp` once. */
export class QueuedMessage {
  /** The number that `qp` tells the client. */
  readonly pid: number;
  readonly #system: System;
  readonly #child: Child | undefined;
  readonly #words: Promise<Uint8Array> | undefined;
  #waiting: Uint8Array[] = [];
  #waitingOctets = 0;
  #failed = false;

  private constructor(system: System, child: Child | undefined) {
    this.#system = system;
    this.#child = child;
    this.pid = child?.pid ?? system.pid;
    this.#words = child === undefined ? undefined : readWords(child.input(6));
  }

  /**
   * Starts the program that QMAILQUEUE names, else bin/qmail-queue. One that cannot be executed is reported by
   * `finish`, as if it had been forked first. Throws CannotRun when this machine has no room for another process.
   */
  static async open(system: System): Promise<QueuedMessage> {
    const program = system.env.get("QMAILQUEUE") ?? "bin/qmail-queue";
    // A name without a slash is a file in the home folder, not one somewhere on PATH.
    const path = program.includes("/") ? program : `./${program}`;
    try {
      const wires = { 0: { toChild: true }, 1: { toChild: true }, 6: { fromChild: true } } as const;
      return new QueuedMessage(system, await system.spawn([path], { wires }));
    } catch (error) {
      if (!(error instanceof CannotRun) || outOfResources.has(error.code)) throw error;
      return new QueuedMessage(system, undefined);
    }
  }

  /**
   * Adds to the message; the bytes must not be changed afterwards. The promise, when there is one, is back-pressure.
   * A program that stopped reading is no error here: `finish` will tell.
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failed || bytes.length === 0) return undefined;
    this.#waiting.push(bytes);
    this.#waitingOctets += bytes.length;
    // A message that comes byte by byte must not cost a hundred times its size.
    if (this.#waiting.length >= gatherPieces) this.#waiting = [Buffer.concat(this.#waiting)];
    return this.#waitingOctets < gatherOctets ? undefined : this.#send();
  }

  /** The message must not be queued; what comes after this is dropped. `finish` closes without an envelope. */
  fail(): Promise<void> | undefined {
    const sent = this.#send();
    this.#failed = true;
    return sent;
  }

  /** The message is complete: sends the envelope and waits. Undefined when the message is queued, else why not. */
  async finish(envelope: Envelope): Promise<Refusal | undefined> {
    const child = this.#child;
    if (child === undefined) return refusalOf(cannotRunExit);
    const sent = this.#send();
    if (sent !== undefined) await sent;
    child.output(0).close();
    const told = this.#failed ? undefined : this.#attempt(child.output(1), envelopeBytes(envelope));
    if (told !== undefined) await told;
    child.output(1).close();
    const ended = await child.wait();
    const words = "code" in ended && ended.code === customExit ? await this.#wordsInTime() : undefined;
    child.input(6).close();
    if ("signal" in ended) return crashed;
    return ended.code === 0 && this.#failed ? readError : refusalOf(ended.code, words);
  }

  /** The client is gone or wrong: nothing is queued. Resolves when the program has ended, or soon. */
  async giveUp(): Promise<void> {
    const child = this.#child;
    this.#waiting = [];
    if (child === undefined) return;
    child.output(0).close();
    child.output(1).close();
    await this.#within(child.wait(), undefined);
    child.input(6).close();
  }

  async #wordsInTime(): Promise<Uint8Array | undefined> {
    return this.#words && this.#within(this.#words, undefined);
  }

  async #within<Value>(promise: Promise<Value>, otherwise: Value | undefined): Promise<Value | undefined> {
    const late = this.#system.sleep(patienceSeconds);
    const value = await Promise.race([promise, late.then(() => otherwise)]);
    late.cancel();
    return value;
  }

  #send(): Promise<void> | undefined {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    this.#waiting = [];
    this.#waitingOctets = 0;
    if (this.#failed || this.#child === undefined) return undefined;
    return this.#attempt(this.#child.output(0), waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting));
  }

  /** A program that does not want all of the message has a reason, and its exit code says which. */
  #attempt(output: Output, bytes: Uint8Array): Promise<void> | undefined {
    const failed = (error: unknown) => {
      if (!(error instanceof Closed)) throw error;
      this.#failed = true;
    };
    try {
      return output.write(bytes)?.catch(failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }
}

/** Reads to the end, so that the writer never waits, and keeps the beginning. */
async function readWords(input: Input): Promise<Uint8Array> {
  let kept: Uint8Array = new Uint8Array();
  for (let chunk = await input.read(); chunk !== null; chunk = await input.read()) {
    const room = maximumCustomOctets - kept.length;
    if (room > 0) kept = Buffer.concat([kept, chunk.subarray(0, room)]);
  }
  return kept;
}
