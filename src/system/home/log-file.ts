/** The log of a service that runs in somebody's terminal: a file in its home, so that the screen stays readable. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/** One file of this size, and the one before it. */
const largestOctets = 10 << 20;

export class LogFile {
  readonly path: string;
  #fd: number;
  #octets: number;
  readonly #largest: number;

  /** Appends to `path`. Throws the system's error when that is not allowed. */
  constructor(path: string, largest = largestOctets) {
    this.path = path;
    this.#largest = largest;
    this.#fd = openSync(path, "a", 0o600);
    this.#octets = fstatSync(this.#fd).size;
  }

  /** One line, latin1, without LF. `now` in milliseconds since 1970. A full disk loses lines, and stops nobody. */
  write(line: string, now: number): void {
    if (this.#octets >= this.#largest) this.#turn();
    const bytes = Buffer.from(`${new Date(now).toISOString()} ${line}\n`, "latin1");
    this.#octets += bytes.length;
    try {
      writeSync(this.#fd, bytes);
    } catch {
      // There is no better place to say so.
    }
  }

  #turn(): void {
    closeSync(this.#fd);
    renameSync(this.path, `${this.path}.old`);
    this.#fd = openSync(this.path, "a", 0o600);
    this.#octets = 0;
  }
}
