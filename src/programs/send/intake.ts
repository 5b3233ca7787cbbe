/** qmail-send's door: messages that qmail-queue hands over at the socket, many at once, from clients nobody trusts. */
import { type Envelope, parseEnvelope } from "../../protocol/queue/envelope.ts";
import {
  type Frame,
  FrameReader,
  kind,
  NotAFrame,
  type Verdict,
  verdictsBytes,
} from "../../protocol/queue/frames.ts";
import { type Handover, parseHandover } from "../../protocol/queue/handover.ts";
import { invokedLine, invokerOf, type ServiceUids } from "../../protocol/queue/invoked.ts";
import { Incoming, MemoryBudget } from "../../system/queue/incoming.ts";
import type { QueueClient } from "../../system/queue/listener.ts";
import { type Channel, channel, type NewMessage } from "../../system/queue/store.ts";
import { Closed, TimedOut } from "../../system/system.ts";

/** What the intake knows of the rest of qmail-send. */
export interface Receiver {
  readonly folder: string;
  now(): number;
  /** The way to `address`, by the control files of this moment. */
  route(address: string): Channel;
  serviceUids(): ServiceUids;
  /** Takes a complete message; `settle` is told when it is on disk (true) or not in the queue (false). */
  accept(message: NewMessage, settle: (queued: boolean) => void): void;
  failed(error: unknown): void;
}

/** Exit codes of qmail-queue. */
const exit = { queued: 0, writeError: 53 } as const;

/** All messages together may take this much memory until they are on disk. */
const memoryOctets = 64 * 1024 * 1024;
/** So may frames whose end has not come. */
const halfFrameOctets = 64 * 1024 * 1024;
/** A connection that keeps less of a frame than this is not cut off, whatever the others keep. */
const modestOctets = 65536;
/** Messages of one connection that are not complete. */
const maximumOpen = 256;
/** A message that has begun goes on within this time; qmail-queue's own patience is longer, an SMTP client's shorter. */
const silenceSeconds = 3600;
/** A client that takes no answers gets no more of our attention than these. */
const maximumUnsentOctets = 65536;
/** The memory of such a chunk is worth being used again. */
const fullChunkOctets = 65536;

export class Intake {
  readonly #receiver: Receiver;
  readonly #budget = new MemoryBudget(memoryOctets);
  readonly #halfFrames = new MemoryBudget(halfFrameOctets);

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** Serves one connection to its end. Never throws. */
  async serve(client: QueueClient): Promise<void> {
    const session = new Session(client, this.#receiver, this.#budget, this.#halfFrames);
    try {
      await session.run();
    } catch (error) {
      const theirs = error instanceof NotAFrame || error instanceof TimedOut || error instanceof Closed;
      if (!theirs) this.#receiver.failed(error);
    } finally {
      await session.end();
    }
  }
}

class Session {
  readonly #client: QueueClient;
  readonly #receiver: Receiver;
  readonly #budget: MemoryBudget;
  readonly #halfFrames: MemoryBudget;
  /** What is in #halfFrames of ours. */
  #halfOctets = 0;
  readonly #open = new Map<number, Incoming>();
  #answers: Verdict[] = [];
  #unsentOctets = 0;

  constructor(client: QueueClient, receiver: Receiver, budget: MemoryBudget, halfFrames: MemoryBudget) {
    this.#client = client;
    this.#receiver = receiver;
    this.#budget = budget;
    this.#halfFrames = halfFrames;
  }

  async run(): Promise<void> {
    const reader = new FrameReader();
    for (;;) {
      const begun = this.#open.size > 0 || reader.heldOctets > 0;
      const chunk = await this.#client.input.read(begun ? silenceSeconds : undefined);
      if (chunk === null) return;
      const frames = reader.push(chunk);
      for (const frame of frames) {
        const wait = this.#take(frame);
        if (wait !== undefined) await wait;
      }
      if (chunk.length >= fullChunkOctets) this.#onlyOneOf(frames)?.lend(chunk);
      // What is complete is on its way to the disk; what is not may wait for long.
      for (const incoming of this.#open.values()) incoming.own();
      this.#keeps(reader.heldOctets);
      if (this.#open.size > maximumOpen) throw new NotAFrame("too many messages at once");
      if (this.#unsentOctets > maximumUnsentOctets) throw new Closed();
    }
  }

  /** Any local user may connect, often, and begin frames: together they keep no more than qmail-send has room for. */
  #keeps(octets: number): void {
    this.#halfFrames.usedOctets += octets - this.#halfOctets;
    this.#halfOctets = octets;
    const tooMuch = this.#halfFrames.usedOctets > this.#halfFrames.limitOctets;
    if (tooMuch && octets > modestOctets) throw new NotAFrame("too much at once");
  }

  /** What is incomplete does not come about; what is complete is queued, and the answer goes nowhere. */
  async end(): Promise<void> {
    for (const incoming of this.#open.values()) await incoming.discard();
    this.#open.clear();
    this.#keeps(0);
    this.#client.output.close();
    this.#client.input.close();
  }

  /** The one message that all of `frames` are content of. */
  #onlyOneOf(frames: readonly Frame[]): Incoming | undefined {
    const id = frames[0]?.id;
    const alone = frames.every((frame) => frame.id === id && frame.kind === kind.content);
    return alone && id !== undefined ? this.#open.get(id) : undefined;
  }

  #take({ kind: what, id, payload }: Frame): Promise<void> | undefined {
    switch (what) {
      case kind.content: {
        let incoming = this.#open.get(id);
        if (incoming === undefined) {
          incoming = new Incoming(this.#receiver.folder, this.#budget);
          this.#open.set(id, incoming);
        }
        return incoming.write(payload);
      }
      case kind.end: {
        const incoming = this.#open.get(id) ?? new Incoming(this.#receiver.folder, this.#budget);
        this.#open.delete(id);
        return this.#complete(id, incoming, payload);
      }
      case kind.abort: {
        const incoming = this.#open.get(id);
        this.#open.delete(id);
        return incoming?.discard();
      }
      default:
        throw new NotAFrame(`kind ${what}`);
    }
  }

  #complete(id: number, incoming: Incoming, payload: Uint8Array): Promise<void> | undefined {
    const handover = parseHandover(payload);
    if (handover === undefined) throw new NotAFrame("no handover");
    const envelope = parseEnvelope(handover.envelope);
    if ("exit" in envelope || envelope.recipients.length === 0) {
      this.#answer(id, "exit" in envelope ? envelope.exit : exit.queued);
      return incoming.discard();
    }
    const queue = (content: NewMessage["content"]) =>
      this.#receiver.accept(this.#messageOf(handover, envelope, content, incoming.sizeOctets), (queued) => {
        if (queued) incoming.release();
        else void incoming.discard();
        this.#answer(id, queued ? exit.queued : exit.writeError);
      });
    const failed = (error: unknown) => {
      this.#receiver.failed(error);
      this.#answer(id, exit.writeError);
      return incoming.discard();
    };
    try {
      const content = incoming.finish();
      if (content instanceof Promise) return content.then(queue).catch(failed);
      queue(content);
      return undefined;
    } catch (error) {
      return failed(error);
    }
  }

  #messageOf(
    { pid, authenticated }: Handover,
    { sender, recipients }: Envelope,
    content: NewMessage["content"],
    contentOctets: number,
  ): NewMessage {
    const { uid } = this.#client;
    const arrived = this.#receiver.now();
    const trace = invokedLine(pid, invokerOf(uid, authenticated, this.#receiver.serviceUids()), arrived);
    const routed = onceEach(
      recipients.map((address) => ({ address, channel: this.#receiver.route(address) })),
    );
    const sizeOctets = trace.length + contentOctets;
    return { sender, recipients: routed, uid, pid, trace, content, sizeOctets, arrived };
  }

  /** Answers of one turn leave in one write. */
  #answer(id: number, code: number): void {
    if (this.#answers.push({ id, exit: code }) > 1) return;
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    const bytes = verdictsBytes(this.#answers);
    this.#answers = [];
    this.#unsentOctets += bytes.length;
    const sent = () => {
      this.#unsentOctets -= bytes.length;
    };
    try {
      const wait = this.#client.output.write(bytes);
      if (wait === undefined) sent();
      else wait.then(sent, () => {});
    } catch (error) {
      if (!(error instanceof Closed)) throw error; // whoever does not wait for the answer does not get it
    }
  }
}

/**
 * A thousand times the same recipient is one: a message of 50 MiB would fill the disk. The names of mailboxes here are the
 * same in capitals and small letters; those of other hosts are for these to tell apart.
 */
function onceEach(recipients: NewMessage["recipients"]): NewMessage["recipients"] {
  if (recipients.length < 2) return recipients;
  const first = new Map<string, NewMessage["recipients"][number]>();
  for (const recipient of recipients) {
    const { address } = recipient;
    const key = recipient.channel === channel.local ? address.toLowerCase() : address;
    if (!first.has(key)) first.set(key, recipient);
  }
  return [...first.values()];
}
