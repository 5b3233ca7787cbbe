/**
 * A channel joins two processes of the service: messages, in order, each with an optional body and descriptors.
 * Two socket pairs carry it: a stream for the messages, packets (SCM_RIGHTS) for the descriptors, which are always
 * sent before the message that speaks of them.
 *
 *     head octets (4, big endian)  body octets (4)  head (JSON)  body
 */
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { wipeableCopy } from "../../protocol/wipeable.ts";
import * as native from "../native.ts";
import { readWithoutTraces } from "../read-buffer.ts";
import { writeAtOnce } from "../write-at-once.ts";

/** A message's head: what it is, and plain facts. Never a secret: those travel in the body, which can be wiped. */
export interface Head {
  readonly kind: string;
  readonly [fact: string]: unknown;
}

export interface Received {
  readonly head: Head;
  readonly body: Buffer;
  /** Owned by the receiver. */
  readonly descriptors: readonly number[];
}

/** The two descriptors of one side. */
export interface ChannelEnd {
  readonly stream: number;
  readonly packets: number;
}

/** As many as a handshake takes: the client, what is inside, and where the reply goes. */
const usualDescriptors = 3;

/** No message is larger: what comes from a process that may have been taken over is bounded. */
const maximumOctets = 1 << 20;

/** Two ends that are joined, to be given to two processes. */
export function channelPair(): [ChannelEnd, ChannelEnd] {
  const [streamA, streamB] = native.socketPair("stream");
  const [packetsA, packetsB] = native.socketPair("packets");
  return [
    { stream: streamA, packets: packetsA },
    { stream: streamB, packets: packetsB },
  ];
}

export function closeEnd({ stream, packets }: ChannelEnd): void {
  closeSync(stream);
  closeSync(packets);
}

export class Channel {
  /** Called for each message that is no reply. */
  onMessage: (message: Received) => void = () => {};
  /** Called once, when the other side is gone. */
  onClose: () => void = () => {};

  readonly #socket: Socket;
  readonly #stream: number;
  readonly #packets: number;
  readonly #mostDescriptors: number;
  #incoming: Buffer = Buffer.alloc(0);
  #unsent: { head: Head; body: Uint8Array | undefined; descriptors: readonly number[] }[] = [];
  #closed = false;
  #lastQuestion = 0;
  readonly #questions = new Map<number, (reply: Received | undefined) => void>();

  /** `mostDescriptors`: how many a message may bring us; more are closed. A message may come from a process that was taken over. */
  constructor({ stream, packets }: ChannelEnd, mostDescriptors = usualDescriptors) {
    this.#stream = stream;
    this.#packets = packets;
    this.#mostDescriptors = mostDescriptors;
    this.#socket = readWithoutTraces(new Socket({ fd: stream, readable: true, writable: true }));
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", () => this.close());
    this.#socket.on("close", () => this.close());
    this.#socket.on("end", () => this.close());
  }

  /** Sends a message. The descriptors are closed here once they are on their way. */
  send(head: Head, body?: Uint8Array, descriptors: readonly number[] = []): void {
    if (this.#closed) {
      for (const fd of descriptors) closeSync(fd);
      return;
    }
    this.#unsent.push({ head, body, descriptors });
    if (this.#unsent.length === 1) this.#push();
  }

  /** Sends a message and resolves to its reply; undefined when the other side is gone. */
  ask(head: Head, body?: Uint8Array, descriptors?: readonly number[]): Promise<Received | undefined> {
    return this.question(head, body, descriptors).answer;
  }

  /** The same for a question that may be answered in another way: `forget` then, and `answer` is undefined. */
  question(
    head: Head,
    body?: Uint8Array,
    descriptors?: readonly number[],
  ): { readonly answer: Promise<Received | undefined>; forget(): void } {
    this.#lastQuestion += 1;
    const question = this.#lastQuestion;
    let settle: (reply: Received | undefined) => void = () => {};
    const answer = new Promise<Received | undefined>((resolve) => {
      settle = resolve;
    });
    const forget = () => {
      this.#questions.delete(question);
      settle(undefined);
    };
    if (!this.#closed) this.#questions.set(question, settle);
    else settle(undefined);
    this.send({ ...head, question }, body, descriptors);
    return { answer, forget };
  }

  /** Answers a message that was asked. */
  reply(
    to: Received,
    facts: Record<string, unknown>,
    body?: Uint8Array,
    descriptors?: readonly number[],
  ): void {
    this.send({ ...facts, kind: "reply", question: to.head["question"] }, body, descriptors);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    closeSync(this.#packets);
    for (const { descriptors } of this.#unsent) for (const fd of descriptors) closeSync(fd);
    this.#unsent = [];
    for (const answer of this.#questions.values()) answer(undefined);
    this.#questions.clear();
    this.onClose();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Does not keep the process alive. */
  unref(): void {
    this.#socket.unref();
  }

  #push(): void {
    while (!this.#closed) {
      const next = this.#unsent[0];
      if (next === undefined) return;
      const { head, body, descriptors } = next;
      try {
        if (descriptors.length > 0 && !native.sendDescriptors(this.#packets, descriptors)) {
          setTimeout(() => this.#push(), 1); // the other side is behind; it will catch up or be gone
          return;
        }
      } catch {
        this.close();
        return;
      }
      this.#unsent.shift();
      for (const fd of descriptors) closeSync(fd);
      const counted = descriptors.length === 0 ? head : { ...head, descriptors: descriptors.length };
      this.#write(Buffer.from(JSON.stringify(counted)), body);
    }
  }

  #write(text: Buffer, body: Uint8Array | undefined): void {
    const octets = 8 + text.length + (body?.length ?? 0);
    const frame = Buffer.allocUnsafe(octets);
    frame.writeUInt32BE(text.length, 0);
    frame.writeUInt32BE(body?.length ?? 0, 4);
    frame.set(text, 8);
    if (body !== undefined) frame.set(body, 8 + text.length);
    const wipe = () => {
      if (body !== undefined) frame.fill(0);
    };
    const written = writeAtOnce(this.#socket, this.#stream, frame, octets);
    if (written < octets) this.#socket.write(frame.subarray(written), wipe);
    else wipe();
  }

  #take(chunk: Buffer): void {
    let bytes = this.#incoming.length === 0 ? chunk : joined(this.#incoming, chunk);
    while (bytes.length >= 8 && !this.#closed) {
      const headOctets = bytes.readUInt32BE(0);
      const end = 8 + headOctets + bytes.readUInt32BE(4);
      if (end > maximumOctets) {
        this.close();
        return;
      }
      if (bytes.length < end) break;
      // A copy: the body may hold a secret, and its receiver is to be able to wipe it.
      const body =
        end === 8 + headOctets
          ? nothing
          : Buffer.from(wipeableCopy(bytes.subarray(8 + headOctets, end)).buffer);
      const text = bytes.toString("utf8", 8, 8 + headOctets);
      bytes.fill(0, 0, end);
      bytes = bytes.subarray(end);
      this.#deliver(text, body);
    }
    this.#incoming = bytes;
  }

  #deliver(text: string, body: Buffer): void {
    const head = headIn(text);
    if (head === undefined) {
      this.close();
      return;
    }
    const came = head["descriptors"] ? (native.receiveDescriptors(this.#packets) ?? []) : [];
    const descriptors = came.slice(0, this.#mostDescriptors);
    for (const unwanted of came.slice(this.#mostDescriptors)) closeSync(unwanted);
    const message = { head, body, descriptors };
    if (head.kind === "reply") {
      const question = head["question"] as number;
      const answer = this.#questions.get(question);
      this.#questions.delete(question);
      if (answer === undefined) for (const fd of descriptors) closeSync(fd);
      else answer(message);
      return;
    }
    try {
      this.onMessage(message);
    } catch (error) {
      // Whoever says what cannot be, having been taken over maybe, is not talked to any more; all others are.
      process.stderr.write(`acceptutils: "${head.kind}" of another process: ${(error as Error).stack}\n`);
      this.close();
    }
  }
}

const nothing = Buffer.alloc(0);

/** undefined: this is no message. */
function headIn(text: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(text);
    const isHead = typeof head === "object" && head !== null && typeof (head as Head).kind === "string";
    return isHead ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
}

/** Both, of which nothing is left where they were. */
function joined(before: Buffer, after: Buffer): Buffer {
  const both = Buffer.concat([before, after]);
  before.fill(0);
  after.fill(0);
  return both;
}
