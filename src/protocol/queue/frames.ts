/**
 * How messages travel between our own processes: from qmail-queue to qmail-send, and from there to qmail-local and
 * qmail-remote. A frame is its payload's length (4 octets), a kind (1), the number of the message it belongs to (4),
 * big-endian, and the payload. Several messages may share a connection.
 */

/** What a frame says. */
export const kind = {
  /** The next octets of the message. */
  content: 1,
  /** Nothing more comes; the payload says what to do with it. See handover.ts and job.ts. */
  end: 2,
  /** The message is not meant to be any more. */
  abort: 3,
  /** The receiver's last word on the message. */
  verdict: 4,
  /** What comes before the content of a job. See job.ts */
  job: 5,
  /** What was kept to recognise a delivered job is not needed any more. */
  forget: 6,
} as const;

export interface Frame {
  readonly kind: number;
  /** Chosen by the sender of the message; 0 to 2^32-1. */
  readonly id: number;
  readonly payload: Uint8Array;
}

const headerOctets = 9;
/** A payload that is not content has at most so many octets: room for an envelope of 1,000 long addresses. */
export const maximumPayloadOctets = 2 ** 21;

/** One frame as bytes. */
export function frameBytes(kindOf: number, id: number, payload: Uint8Array = nothing): Uint8Array {
  const bytes = Buffer.allocUnsafe(headerOctets + payload.length);
  writeHeader(bytes, 0, kindOf, id, payload.length);
  bytes.set(payload, headerOctets);
  return bytes;
}

/** What goes before a payload of `length` octets. */
export function frameHead(kindOf: number, id: number, length: number): Uint8Array {
  const head = Buffer.allocUnsafe(headerOctets);
  writeHeader(head, 0, kindOf, id, length);
  return head;
}

/** What is answered about a message: an exit code. */
export interface Verdict {
  readonly id: number;
  readonly exit: number;
}

/** Verdicts on several messages as one run of bytes. */
export function verdictsBytes(verdicts: readonly Verdict[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(verdicts.length * (headerOctets + 1));
  let at = 0;
  for (const { id, exit } of verdicts) {
    at = writeHeader(bytes, at, kind.verdict, id, 1);
    bytes[at] = exit;
    at += 1;
  }
  return bytes;
}

/** Several frames of one message as one run of bytes, so that they leave in one write. */
export function framesBytes(
  id: number,
  frames: readonly (readonly [number, readonly Uint8Array[]])[],
): Uint8Array {
  let total = 0;
  for (const [, parts] of frames) total += headerOctets + size(parts);
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [kindOf, parts] of frames) {
    at = writeHeader(bytes, at, kindOf, id, size(parts));
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes;
}

function size(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) sum += part.length;
  return sum;
}

const nothing = Buffer.alloc(0);

function writeHeader(bytes: Buffer, at: number, kindOf: number, id: number, length: number): number {
  bytes.writeUInt32BE(length, at);
  bytes[at + 4] = kindOf;
  return bytes.writeUInt32BE(id, at + 5);
}

/** The other side does not speak this. Its connection is of no use any more. */
export class NotAFrame extends Error {
  override readonly name = "NotAFrame";
}

/**
 * Takes frames out of a stream. Content is handed on as it comes, so that a frame of it may arrive in pieces; of
 * every other kind, whole.
 */
export class FrameReader {
  /** What is left of a frame that has not come whole: the first `#held` octets. */
  #rest: Buffer = nothing;
  #held = 0;
  /** How many octets there must be before it is worth looking again. */
  #wanted = 0;
  /** Octets that are still to come of a content frame. */
  #pending = 0;
  #id = 0;

  /** Octets it keeps of a frame whose end has not come. */
  get heldOctets(): number {
    return this.#held;
  }

  /** The frames that `chunk` completes; their payloads are views of it where they can be. Throws NotAFrame. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    const bytes = this.#withRest(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    for (let at = 0; at < bytes.length; ) {
      if (this.#pending > 0) {
        const payload = bytes.subarray(at, at + this.#pending);
        this.#pending -= payload.length;
        at += payload.length;
        frames.push({ kind: kind.content, id: this.#id, payload });
        continue;
      }
      const left = bytes.length - at;
      if (left < headerOctets) return this.#keep(bytes.subarray(at), headerOctets, frames);
      const length = bytes.readUInt32BE(at);
      const kindOf = bytes[at + 4]!;
      const id = bytes.readUInt32BE(at + 5);
      if (kindOf === kind.content) {
        this.#pending = length;
        this.#id = id;
        at += headerOctets;
        continue;
      }
      if (kindOf < kind.content || kindOf > kind.forget) throw new NotAFrame(`kind ${kindOf}`);
      if (length > maximumPayloadOctets) throw new NotAFrame(`${length} octets`);
      const whole = headerOctets + length;
      if (left < whole) return this.#keep(bytes.subarray(at), whole, frames);
      frames.push({ kind: kindOf, id, payload: bytes.subarray(at + headerOctets, at + whole) });
      at += whole;
    }
    return frames;
  }

  /** All that is there, once it is enough; until then nothing, and `chunk` is kept. */
  #withRest(chunk: Buffer): Buffer {
    if (this.#held === 0) return chunk;
    const total = this.#held + chunk.length;
    if (total > this.#rest.length) {
      // Twice as much each time: octets that come one by one are not copied over and over.
      const larger = Buffer.allocUnsafeSlow(Math.max(total, Math.min(2 * this.#rest.length, this.#wanted)));
      larger.set(this.#rest.subarray(0, this.#held));
      this.#rest = larger;
    }
    this.#rest.set(chunk, this.#held);
    this.#held = total;
    if (total < this.#wanted) return nothing;
    const whole = this.#rest.subarray(0, total);
    this.#rest = nothing;
    this.#held = 0;
    return whole;
  }

  #keep(bytes: Buffer, wanted: number, frames: Frame[]): Frame[] {
    this.#rest = Buffer.from(bytes); // a view would keep a whole chunk alive
    this.#held = bytes.length;
    this.#wanted = wanted;
    return frames;
  }
}
