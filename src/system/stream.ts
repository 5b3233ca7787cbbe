/** Node.js streams (sockets, pipes of children) as our Input and Output, read only when somebody asks. */
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { readInto } from "./read-buffer.ts";
import { Closed, type Input, type Output, TimedOut } from "./system.ts";
import { Wait, type Waiting } from "./wait.ts";
import { writeAtOnce } from "./write-at-once.ts";

/** The part of a socket's handle that stops the kernel read at once, which pause() alone does not. */
interface Handle {
  readonly fd?: number;
  reading: boolean;
  readStart(): number;
  readStop(): number;
}

const handleOf = (stream: Readable | Writable): Handle | undefined => {
  const handle = (stream as { _handle?: Handle | null })._handle;
  return handle ?? undefined;
};

/** The descriptor of a socket; undefined once it is closed. */
export const fdOf = (stream: Readable | Writable): number | undefined => handleOf(stream)?.fd;

/** As much as one read of the kernel gives: libuv then reads again at once. */
const fullReadOctets = 65536;

/**
 * Inputs that gave a chunk in this turn of the event loop. Nearly every reader asks for the next one before the turn is
 * over, and then reading goes on; stopping and starting for each line would cost more than the line.
 */
let fed: StreamInput[] = [];

function stopUnasked(): void {
  const inputs = fed;
  fed = [];
  for (const input of inputs) input.turnIsOver();
}

/** For errors of a stream: one that failed closes, and whoever reads or writes sees that. */
export const closes = () => {};

/** What reads a stream is a property of it: its listeners are the same functions for all, and not made for each session. */
const itsInput = Symbol("input");
type Read = Readable & { [itsInput]: StreamInput };

const reads = () => {};
function taken(this: Readable, chunk: Uint8Array): void {
  (this as Read)[itsInput].take(chunk);
}
function ended(this: Readable): void {
  (this as Read)[itsInput].end();
}

/** Reads a stream, no further ahead than one chunk that was under way. */
export class StreamInput implements Input, Waiting {
  /** How much has come in. */
  octets = 0;
  readonly #stream: Readable;
  #chunk: Uint8Array | undefined;
  #ended = false;
  #timedOut = false;
  readonly #reader: Wait = new Wait(this);

  constructor(stream: Readable) {
    this.#stream = stream;
    // From here on reading is started and stopped by us alone.
    stream._read = reads;
    (stream as Read)[itsInput] = this;
    if (!(stream instanceof Socket && readInto(stream, this))) stream.on("data", taken);
    stream.on("end", ended);
    stream.on("close", ended);
    if (stream.listenerCount("error", closes) === 0) stream.on("error", closes);
    // A socket that a server accepted and paused would keep its chunks to itself.
    stream.resume();
    this.#stop();
  }

  /** Whoever asks wants to read there in our place. */
  get fd(): number | undefined {
    if (!this.#reader.isOn) this.#stop();
    return fdOf(this.#stream);
  }

  /** For the stream alone: nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#reader.end(null);
  }

  tooLate(): void {
    this.#timedOut = true;
    this.#stop();
  }

  /** Before the loop waits for bytes again: nobody has asked for more. */
  turnIsOver(): void {
    if (!this.#reader.isOn) this.#stop();
  }

  read(timeoutSeconds?: number): Promise<Uint8Array | null> {
    if (this.#timedOut) return Promise.reject(new TimedOut());
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      this.#chunk = undefined;
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(null);
    const chunkComes = this.#reader.begin(timeoutSeconds);
    this.#start();
    return chunkComes;
  }

  close(): void {
    this.#stream.destroy();
  }

  /** For the stream alone: this came. True: the socket is not to stop by itself. */
  take(chunk: Uint8Array): boolean {
    const isAwaited = this.#reader.isOn;
    if (!isAwaited || chunk.length >= fullReadOctets) this.#stop();
    else if (fed.push(this) === 1) setImmediate(stopUnasked);
    this.octets += chunk.length;
    if (isAwaited) this.#reader.end(chunk);
    else this.#chunk = this.#chunk ? Buffer.concat([this.#chunk, chunk]) : chunk;
    return true;
  }

  #start(): void {
    const handle = handleOf(this.#stream);
    if (handle === undefined || handle.reading) return;
    handle.reading = true;
    handle.readStart();
  }

  #stop(): void {
    const handle = handleOf(this.#stream);
    if (handle === undefined || !handle.reading) return;
    handle.reading = false;
    handle.readStop();
  }
}

/** Where text becomes bytes, for as long as it takes to write them: memory asked for each time would be collected each time. */
const said = Buffer.allocUnsafeSlow(2 * fullReadOctets);

/** Writes a stream. */
export class StreamOutput implements Output {
  /** How much was written. */
  octets = 0;
  readonly #stream: Writable;
  readonly #direct: boolean;
  /** Resolves when there is room again; all who wait share it. */
  #room: Promise<void> | undefined;

  /** `direct`: what is written to the stream's descriptor is what is written to the stream. Inside TLS it is not. */
  constructor(stream: Writable, direct = false) {
    this.#stream = stream;
    this.#direct = direct;
    if (!direct) stream.on("error", closes); // else its reader does
  }

  get fd(): number | undefined {
    return fdOf(this.#stream);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#stream.destroyed) throw new Closed();
    this.octets += bytes.length;
    return this.#pass(this.#direct ? this.#unwritten(bytes) : bytes);
  }

  say(text: string): Promise<void> | undefined {
    if (!this.#direct || text.length > said.length) return this.write(Buffer.from(text, "latin1"));
    if (this.#stream.destroyed) throw new Closed();
    this.octets += text.length;
    const left = this.#unwritten(said.subarray(0, said.write(text, 0, "latin1")));
    return this.#pass(left && Buffer.from(left));
  }

  #pass(left: Uint8Array | undefined): Promise<void> | undefined {
    if (left === undefined || this.#stream.write(left)) return undefined;
    this.#room ??= this.#drained().finally(() => {
      this.#room = undefined;
    });
    return this.#room;
  }

  async flush(): Promise<void> {
    if (this.#stream.destroyed || this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      this.#stream.write("", () => resolve());
    });
  }

  close(): void {
    this.#stream.end();
  }

  /** What is left for the stream; undefined: nothing. Nearly all that a session says fits into the kernel's memory. */
  #unwritten(bytes: Uint8Array): Uint8Array | undefined {
    const written = writeAtOnce(this.#stream, fdOf(this.#stream), bytes, bytes.length);
    return written === bytes.length ? undefined : bytes.subarray(written);
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#stream;
      const settle = (failed: boolean) => {
        stream.off("drain", good);
        stream.off("close", bad);
        if (failed) reject(new Closed());
        else resolve();
      };
      const good = () => settle(false);
      const bad = () => settle(true);
      stream.on("drain", good);
      stream.on("close", bad);
    });
  }
}

/** Both ends of one connection, which may carry passwords. */
export function connection(socket: Socket): { input: StreamInput; output: StreamOutput } {
  return { input: new StreamInput(socket), output: new StreamOutput(socket, true) };
}

/** The connection behind a descriptor that was handed to this process, which now owns it; read when somebody asks. */
export function socketOf(fd: number): Socket {
  const options = { fd, readable: true, writable: true, allowHalfOpen: true, manualStart: true };
  return new Socket(options as { fd: number }); // the types do not know of manualStart
}

/** The same with both of its ends. */
export function connectionOf(fd: number): { socket: Socket; input: StreamInput; output: StreamOutput } {
  const socket = socketOf(fd);
  return { socket, ...connection(socket) };
}
