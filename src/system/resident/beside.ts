/** A program of ours beside the one that spawned it, in the same worker: its pipes are in memory. */
import { wipeableCopy } from "../../protocol/wipeable.ts";
import { inputOf, Pipe } from "../pipe.ts";
import type { Child, Ended, Input, Output, SpawnOptions, TemporaryFile, Wire } from "../system.ts";

/** Descriptors of a program, by their numbers. */
export interface Descriptors {
  readonly inputs: (Input | undefined)[];
  readonly outputs: (Output | undefined)[];
}

/** None yet. What grows from nothing would have room for seventeen, in each program of each session. */
export const noDescriptors = (): Descriptors => ({
  inputs: [undefined, undefined, undefined, undefined],
  outputs: [undefined, undefined, undefined, undefined],
});

/**
 * Wires up the descriptors of a new program, `theirs`. `parent` is whose descriptors it may inherit; `pid` its number.
 * Whoever runs it says when it has ended.
 */
export function wiredUp(
  pid: number,
  wires: SpawnOptions["wires"],
  parent: Descriptors,
  theirs: Descriptors,
): ChildBeside {
  const child = new ChildBeside(pid);
  for (const name in wires) {
    const fd = Number(name);
    wireUp(wires[fd]!, fd, parent, theirs, child);
  }
  return child;
}

function wireUp(wire: Wire, fd: number, parent: Descriptors, theirs: Descriptors, child: ChildBeside): void {
  if ("inherit" in wire) {
    const from = wire.from ?? fd;
    if (parent.inputs[from] !== undefined) theirs.inputs[fd] = parent.inputs[from];
    if (parent.outputs[from] !== undefined) theirs.outputs[fd] = parent.outputs[from];
  } else if ("bytes" in wire) {
    theirs.inputs[fd] = inputOf(wipeableCopy(wire.bytes));
  } else if ("file" in wire) {
    theirs.inputs[fd] = fileInput(wire.file);
    theirs.outputs[fd] = fileOutput(wire.file);
  } else {
    if ("toChild" in wire || "both" in wire) theirs.inputs[fd] = child.pipeTo(fd).reader;
    if ("fromChild" in wire || "both" in wire) theirs.outputs[fd] = new WritingEnd(child.pipeFrom(fd));
  }
}

/** A pipe between it and us, by the number that its end has there. */
interface End {
  readonly fd: number;
  readonly pipe: Pipe;
}

export class ChildBeside implements Child {
  readonly pid: number;
  #toIt: readonly End[] = none;
  #fromIt: readonly End[] = none;
  #how: Ended | undefined;
  /** Once somebody waits. */
  #ended: Promise<Ended> | undefined;
  #settle: ((how: Ended) => void) | undefined;

  constructor(pid: number) {
    this.pid = pid;
  }

  pipeTo(fd: number): Pipe {
    const pipe = new Pipe();
    this.#toIt = this.#toIt.concat({ fd, pipe });
    return pipe;
  }

  pipeFrom(fd: number): Pipe {
    const pipe = new Pipe();
    this.#fromIt = this.#fromIt.concat({ fd, pipe });
    return pipe;
  }

  output(fd: number): Output {
    return found(this.#toIt, fd);
  }

  input(fd: number): Input {
    return found(this.#fromIt, fd).reader;
  }

  wait(): Promise<Ended> {
    this.#ended ??=
      this.#how === undefined
        ? new Promise((resolve) => {
            this.#settle = resolve;
          })
        : Promise.resolve(this.#how);
    return this.#ended;
  }

  /** Nobody reads or writes there any more. */
  end(how: Ended): void {
    for (const { pipe } of this.#fromIt) pipe.close();
    for (const { pipe } of this.#toIt) pipe.reader.close();
    this.#end(how);
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#end({ signal });
    // What it waits for never comes: the function ends by itself and nobody listens any more.
    for (const { pipe } of this.#toIt) pipe.reader.close();
    for (const { pipe } of this.#fromIt) pipe.reader.close();
    for (const { pipe } of this.#fromIt) pipe.close();
  }

  /** The first word counts. */
  #end(how: Ended): void {
    this.#how ??= how;
    this.#settle?.(this.#how);
  }
}

const none: readonly End[] = [];

function found(ends: readonly End[], descriptor: number): Pipe {
  for (const { fd, pipe } of ends) if (fd === descriptor) return pipe;
  throw new RangeError(`descriptor ${descriptor} of the child is no such pipe`);
}

/** The writing end alone: a program that has it cannot read back what it wrote. */
class WritingEnd implements Output {
  readonly #pipe: Pipe;

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#pipe.write(bytes);
  }

  flush(): Promise<void> {
    return this.#pipe.flush();
  }

  close(): void {
    this.#pipe.close();
  }
}

function fileInput(file: TemporaryFile): Input {
  const chunks = file.chunks()[Symbol.asyncIterator]();
  return {
    read: async () => {
      for (;;) {
        const { done, value } = await chunks.next();
        if (done) return null;
        if (value.length > 0) return value;
      }
    },
    close: () => {},
  };
}

function fileOutput(file: TemporaryFile): Output {
  return { write: (bytes) => file.write(bytes), flush: async () => {}, close: () => {} };
}
