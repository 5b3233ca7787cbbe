import { lineTextOf } from "../log-line.ts";
import type { Channel } from "./channel.ts";

/** Lines of so many milliseconds go to the master together: under load, most of a message's cost is the message. */
const gatherMs = 10;

/** Log lines on their way to the master, or to who passes them on. */
export class LogLines {
  readonly #to: Pick<Channel, "send">;
  /** By service, as latin1. */
  readonly #lines = new Map<number, { text: string }>();

  constructor(to: Pick<Channel, "send">) {
    this.#to = to;
  }

  add(service: number, line: string): void {
    this.#keep(service, lineTextOf(line));
  }

  /** Lines that somebody else has made, each with its end. */
  pass(service: number, text: Buffer): void {
    this.#keep(service, text.toString("latin1"));
  }

  /** What is waiting goes now: before something that must not come before it. */
  flush(): void {
    for (const [service, lines] of this.#lines) {
      this.#to.send({ kind: "log", service }, Buffer.from(lines.text, "latin1"));
    }
    this.#lines.clear();
  }

  #keep(service: number, text: string): void {
    const lines = this.#lines.get(service);
    if (lines !== undefined) {
      lines.text += text;
      return;
    }
    if (this.#lines.size === 0) setTimeout(() => this.flush(), gatherMs);
    this.#lines.set(service, { text });
  }
}
