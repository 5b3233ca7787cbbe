/** The client's end of a connection: collects what arrives, until somebody asks for it. */
import type { Duplex, Readable, Writable } from "node:stream";

export class Line {
  /** The program has closed its end. */
  ended = false;
  #heard = "";
  readonly #writable: Writable;
  readonly #readable: Readable;

  constructor(readable: Readable, writable: Writable) {
    this.#readable = readable;
    this.#writable = writable;
    readable.on("data", (chunk: Buffer) => {
      this.#heard += chunk.toString("latin1");
    });
    for (const event of ["end", "close", "error"]) {
      readable.on(event, () => {
        this.ended = true;
      });
    }
    writable.on("error", () => {}); // the program went away while we spoke
  }

  static of(socket: Duplex): Line {
    return new Line(socket, socket);
  }

  /** All that has arrived and was not taken. */
  get heard(): string {
    return this.#heard;
  }

  take(): string {
    const text = this.#heard;
    this.#heard = "";
    return text;
  }

  say(text: string): void {
    if (this.#writable.writable) this.#writable.write(Buffer.from(text, "latin1"));
  }

  /** True while what we said is still on our side. */
  get speaking(): boolean {
    return !this.ended && !this.#writable.destroyed && this.#writable.writableLength > 0;
  }

  /** We have said all; we still listen. */
  shutdown(): void {
    this.#writable.end();
  }

  close(): void {
    this.#writable.destroy();
    this.#readable.destroy();
  }
}
