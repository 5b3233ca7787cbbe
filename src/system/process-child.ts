import type { ChildProcess } from "node:child_process";
import type { Duplex, Readable, Writable } from "node:stream";
import { StreamInput, StreamOutput } from "./stream.ts";
import type { Child, Ended, Input, Output, SpawnOptions } from "./system.ts";

/** A child that is a process. */
export class ProcessChild implements Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #ended: Promise<Ended>;
  readonly #inputs = new Map<number, Input>();
  readonly #outputs = new Map<number, Output>();

  constructor(child: ChildProcess, wires: SpawnOptions["wires"]) {
    this.#process = child;
    this.pid = child.pid!;
    this.#ended = new Promise((resolve) => {
      child.on("exit", (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }));
    });
    for (const [key, wire] of Object.entries(wires)) {
      const fd = Number(key);
      const stream = child.stdio[fd] as Duplex | Readable | Writable | null | undefined;
      if (stream === null || stream === undefined) continue;
      if ("both" in wire) {
        // What Node.js calls a pipe is a socket pair, and goes both ways.
        this.#outputs.set(fd, new StreamOutput(stream as Writable));
        this.#inputs.set(fd, new StreamInput(stream as Readable));
      } else if ("toChild" in wire) this.#outputs.set(fd, new StreamOutput(stream as Writable));
      else if ("fromChild" in wire) this.#inputs.set(fd, new StreamInput(stream as Readable));
      else if ("bytes" in wire) {
        stream.on("error", () => {}); // a child that does not want it all
        // A copy, so that the caller may wipe its own at once; ours is wiped when the kernel has it.
        const copy = Buffer.allocUnsafeSlow(wire.bytes.length);
        copy.set(wire.bytes);
        (stream as Writable).end(copy, () => copy.fill(0));
      }
    }
  }

  output(descriptor: number): Output {
    const output = this.#outputs.get(descriptor);
    if (output === undefined) throw new RangeError(`descriptor ${descriptor} of the child is no pipe to it`);
    return output;
  }

  input(descriptor: number): Input {
    const input = this.#inputs.get(descriptor);
    if (input === undefined) throw new RangeError(`descriptor ${descriptor} of the child is no pipe from it`);
    return input;
  }

  wait(): Promise<Ended> {
    return this.#ended;
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#process.kill(signal);
  }
}
