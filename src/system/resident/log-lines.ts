import type { Channel } from "./channel.ts";

/** Log lines on their way to the master: one message for each turn of the loop, however many lines. */
export class LogLines {
  readonly #master: Channel;
  #lines = new Map<number, string[]>();

  constructor(master: Channel) {
    this.#master = master;
  }

  add(service: number, line: string): void {
    if (this.#lines.size === 0) setImmediate(() => this.#send());
    const lines = this.#lines.get(service);
    if (lines === undefined) this.#lines.set(service, [line]);
    else lines.push(line);
  }

  #send(): void {
    for (const [service, lines] of this.#lines) {
      this.#master.send({ kind: "log", service }, Buffer.from(lines.join("\n") + "\n", "latin1"));
    }
    this.#lines = new Map();
  }
}
