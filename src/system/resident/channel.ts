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

const nothing = Buffer.alloc(0);
const none: readonly number[] = [];

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
  #incoming: Buffer = nothing;
  /** What goes out together before the event loop waits again: a message by itself costs more than what is in it. */
  #gathered: Frame[] = [];
  /** What waits until its descriptors, or those of a message before it, have gone. */
  #unsent: (Frame & { readonly descriptors: readonly number[] })[] = [];
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

  /** Sends a message; `body` may be wiped then. The descriptors are closed here once they are on their way. */
  send(head: Head, body?: Uint8Array, descriptors: readonly number[] = none): void {
    if (this.#closed) {
      for (const fd of descriptors) closeSync(fd);
      return;
    }
    const frame = frameOf(
      descriptors.length === 0 ? head : { ...head, descriptors: descriptors.length },
      body,
    );
    if (descriptors.length === 0 && this.#unsent.length === 0) this.#gather(frame);
    else if (this.#unsent.push({ ...frame, descriptors }) === 1) this.#push();
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
    this.flush();
    this.#closed = true;
    this.#socket.destroy();
    closeSync(this.#packets);
    for (const { octets, descriptors } of this.#unsent) {
      octets.fill(0);
      for (const fd of descriptors) closeSync(fd);
    }
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
      const { descriptors } = next;
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
      this.#gather(next);
    }
  }

  #gather(frame: Frame): void {
    if (this.#gathered.push(frame) === 1) setImmediate(() => this.flush());
  }

  /** What was said goes now, and not at the end of this turn: before something that must not come before it. */
  flush(): void {
    const frames = this.#gathered;
    if (frames.length === 0) return;
    this.#gathered = [];
    const octets =
      frames.length === 1 ? frames[0]!.octets : Buffer.concat(frames.map(({ octets }) => octets));
    const secret = frames.some(({ hasBody }) => hasBody);
    if (secret && frames.length > 1) for (const { octets } of frames) octets.fill(0);
    const wipe = () => {
      if (secret) octets.fill(0);
    };
    const written = writeAtOnce(this.#socket, this.#stream, octets, octets.length);
    if (written < octets.length) this.#socket.write(octets.subarray(written), wipe);
    else wipe();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#incoming.length === 0 ? chunk : joined(this.#incoming, chunk);
    let at = 0;
    while (bytes.length - at >= 8 && !this.#closed) {
      const bodyAt = at + 8 + bytes.readUInt32BE(at);
      const end = bodyAt + bytes.readUInt32BE(at + 4);
      if (end - at > maximumOctets) {
        this.close();
        return;
      }
      if (bytes.length < end) break;
      const text = bytes.toString("utf8", at + 8, bodyAt);
      const body = end === bodyAt ? nothing : takenOut(bytes.subarray(bodyAt, end));
      at = end;
      this.#deliver(text, body);
    }
    this.#incoming = at === bytes.length ? nothing : bytes.subarray(at);
  }

  #deliver(text: string, body: Buffer): void {
    const head = headIn(text);
    if (head === undefined) {
      this.close();
      return;
    }
    const descriptors = head["descriptors"] ? this.#received() : none;
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

  /** The descriptors of the next packet, as far as they are welcome. */
  #received(): readonly number[] {
    const came = native.receiveDescriptors(this.#packets) ?? none;
    if (came.length <= this.#mostDescriptors) return came;
    for (const unwanted of came.slice(this.#mostDescriptors)) closeSync(unwanted);
    return came.slice(0, this.#mostDescriptors);
  }
}

/** A message on its way. */
interface Frame {
  readonly octets: Buffer;
  /** It may be a secret. */
  readonly hasBody: boolean;
}

function frameOf(head: Head, body: Uint8Array | undefined): Frame {
  const text = JSON.stringify(head);
  const headOctets = Buffer.byteLength(text);
  const bodyOctets = body?.length ?? 0;
  const octets = Buffer.allocUnsafe(8 + headOctets + bodyOctets);
  octets.writeUInt32BE(headOctets, 0);
  octets.writeUInt32BE(bodyOctets, 4);
  octets.write(text, 8);
  if (body !== undefined) octets.set(body, 8 + headOctets);
  return { octets, hasBody: bodyOctets > 0 };
}

/** A copy, of which nothing is left where it was: it may be a secret, and its receiver is to be able to wipe it. */
function takenOut(body: Buffer): Buffer {
  const copy = Buffer.from(wipeableCopy(body).buffer);
  body.fill(0);
  return copy;
}

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
