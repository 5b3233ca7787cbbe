import { Closed, type Input, type Output } from "./system.ts";
import { Wait } from "./wait.ts";

/** A pipe between two programs of one worker: what is written at one end is read, in order, at the other. */
export class Pipe implements Input, Output {
  /** Octets that may wait here before the writer must. As the kernel's. */
  static readonly capacityOctets = 65536;

  #waiting: Uint8Array[] = [];
  #octets = 0;
  #ended = false;
  #unread = false;
  readonly #reader = new Wait();
  #end: Input | undefined;
  #writers: { resolve(): void; reject(why: Error): void }[] = [];

  read(timeoutSeconds?: number): Promise<Uint8Array | null> {
    const chunk = this.#waiting.shift();
    if (chunk !== undefined) {
      this.#octets -= chunk.length;
      if (this.#writers.length > 0 && this.#octets < Pipe.capacityOctets) this.#release();
      return Promise.resolve(chunk);
    }
    if (this.#ended || this.#unread) return Promise.resolve(null);
    return this.#reader.begin(timeoutSeconds);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#unread || this.#ended) throw new Closed();
    if (bytes.length === 0) return undefined;
    if (this.#reader.isOn) {
      this.#reader.end(bytes);
      return undefined;
    }
    this.#waiting.push(bytes);
    this.#octets += bytes.length;
    if (this.#octets < Pipe.capacityOctets) return undefined;
    return new Promise((resolve, reject) => {
      this.#writers.push({ resolve, reject });
    });
  }

  flush(): Promise<void> {
    return done;
  }

  /** The writer's end: the reader gets what is waiting, then the end of file. */
  close(): void {
    this.#ended = true;
    this.#reader.end(null);
  }

  /** The reader's end as an Input of its own, so that closing it is not mistaken for the writer's. */
  get reader(): Input {
    this.#end ??= new ReadingEnd(this);
    return this.#end;
  }

  /** Nobody will read what comes: whoever writes is told so. */
  abandon(): void {
    this.#unread = true;
    this.#waiting = [];
    this.#octets = 0;
    this.#reader.end(null);
    for (const writer of this.#writers.splice(0)) writer.reject(new Closed());
  }

  #release(): void {
    for (const writer of this.#writers.splice(0)) writer.resolve();
  }
}

class ReadingEnd implements Input {
  closed = false;
  readonly #pipe: Pipe;

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
  }

  read(timeoutSeconds?: number): Promise<Uint8Array | null> {
    return this.#pipe.read(timeoutSeconds);
  }

  close(): void {
    this.closed = true;
    this.#pipe.abandon();
  }
}

const done = Promise.resolve();

/** An input that gives `bytes`, then the end of file. */
export function inputOf(...chunks: Uint8Array[]): Input {
  const pipe = new Pipe();
  for (const bytes of chunks) void pipe.write(bytes);
  pipe.close();
  return pipe.reader;
}
