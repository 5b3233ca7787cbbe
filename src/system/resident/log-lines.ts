import { lineOf } from "../log-line.ts";
import type { Channel } from "./channel.ts";

/** Lines of so many milliseconds go to the master together: under load, most of a message's cost is the message. */
const gatherMs = 10;

/** Log lines on their way to the master, or to who passes them on. */
export class LogLines {
  readonly #to: Pick<Channel, "send">;
  #lines = new Map<number, Buffer[]>();

  constructor(to: Pick<Channel, "send">) {
    this.#to = to;
  }

  add(service: number, line: string): void {
    this.pass(service, lineOf(line));
  }

  /** Lines that somebody else has made, each with its end. */
  pass(service: number, text: Buffer): void {
    if (this.#lines.size === 0) setTimeout(() => this.flush(), gatherMs);
    const lines = this.#lines.get(service);
    if (lines === undefined) this.#lines.set(service, [text]);
    else lines.push(text);
  }

  /** What is waiting goes now: before something that must not come before it. */
  flush(): void {
    for (const [service, lines] of this.#lines) {
      this.#to.send({ kind: "log", service }, Buffer.concat(lines));
    }
    this.#lines = new Map();
  }
}
