import { maximumRowOctets, SpoolFile } from "./spool.ts";
import type { NewMessage } from "./store.ts";

/** What all messages on their way in may hold in memory together; beyond, each goes to its file early. */
export class MemoryBudget {
  readonly limitOctets: number;
  usedOctets = 0;
  constructor(limitOctets: number) {
    this.limitOctets = limitOctets;
  }
}

/** The content of one message on its way into the queue: in memory as long as it is small, then in a file. */
export class Incoming {
  readonly #folder: string;
  readonly #budget: MemoryBudget;
  #parts: Uint8Array[] = [];
  /** So many of #parts are no small views. */
  #owned = 0;
  #held = 0;
  #file: SpoolFile | undefined;
  #failure: unknown;
  sizeOctets = 0;

  constructor(folder: string, budget: MemoryBudget) {
    this.#folder = folder;
    this.#budget = budget;
  }

  /** Adds octets. A promise is to be awaited before the next call. When the disk fails, finish() tells. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    this.sizeOctets += bytes.length;
    if (this.#failure !== undefined) return undefined;
    if (this.#file !== undefined) return this.#file.write(bytes)?.catch((error) => this.#fail(error));
    this.#parts.push(bytes);
    this.#held += bytes.length;
    this.#budget.usedOctets += bytes.length;
    const tooMuch = this.#held > maximumRowOctets || this.#budget.usedOctets > this.#budget.limitOctets;
    return tooMuch ? this.#spill().catch((error) => this.#fail(error)) : undefined;
  }

  /** To be called where the message may take its time: small views of large chunks, which they keep alive, become copies. */
  own(): void {
    for (; this.#owned < this.#parts.length; this.#owned++) {
      const part = this.#parts[this.#owned]!;
      if (part.length * 2 < part.buffer.byteLength) this.#parts[this.#owned] = part.slice();
    }
  }

  /** All that `chunk` has was for this message, and nobody else has a view of it: its memory is free once it is in a file. */
  lend(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#file?.lend(chunk);
  }

  /**
   * The content, which is on disk when it is a file. What memory it takes counts until release().
   * Throws or rejects with the system's error.
   */
  finish(): NewMessage["content"] | Promise<NewMessage["content"]> {
    if (this.#failure !== undefined) throw this.#failure;
    const file = this.#file;
    if (file !== undefined) return file.finish().then(() => ({ file: file.name }));
    return { bytes: this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts) };
  }

  /** The content is in the queue, or was handed on. */
  release(): void {
    this.#budget.usedOctets -= this.#held;
    this.#held = 0;
    this.#parts = [];
    this.#owned = 0;
  }

  /** The message does not come about. */
  async discard(): Promise<void> {
    this.release();
    await this.#file?.discard();
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.release();
  }

  async #spill(): Promise<void> {
    this.#file = await SpoolFile.create(this.#folder);
    const parts = this.#parts;
    this.release();
    for (const part of parts) await this.#file.write(part);
  }
}
