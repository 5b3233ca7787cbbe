/** A program of ours beside the one that spawned it, in the same worker: its pipes are in memory. */
import { wipeableCopy } from "../../protocol/wipeable.ts";
import { inputOf, Pipe } from "../pipe.ts";
import type { Child, Ended, Input, Output, SpawnOptions, TemporaryFile, Wire } from "../system.ts";

/** Descriptors of a program, by their numbers. */
export interface Descriptors {
  readonly inputs: (Input | undefined)[];
  readonly outputs: (Output | undefined)[];
}

/**
 * Wires up the descriptors of a new program, `theirs`, and runs it to its end. `parent` is whose descriptors it may
 * inherit; `pid` its number.
 */
export function startBeside(
  pid: number,
  wires: SpawnOptions["wires"],
  parent: Descriptors,
  theirs: Descriptors,
  run: () => Promise<Ended>,
): Child {
  const child = new ChildBeside(pid);
  for (const name in wires) {
    const fd = Number(name);
    wireUp(wires[fd]!, fd, parent, theirs, child);
  }
  void run().then((how) => child.end(how));
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
    if ("fromChild" in wire || "both" in wire) theirs.outputs[fd] = writeOnly(child.pipeFrom(fd));
  }
}

/** A pipe between it and us, by the number that its end has there. */
interface End {
  readonly fd: number;
  readonly pipe: Pipe;
}

class ChildBeside implements Child {
  readonly pid: number;
  readonly #toIt: End[] = [];
  readonly #fromIt: End[] = [];
  readonly #ended: Promise<Ended>;
  #settle: (how: Ended) => void = () => {};

  constructor(pid: number) {
    this.pid = pid;
    this.#ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  pipeTo(fd: number): Pipe {
    return added(this.#toIt, fd);
  }

  pipeFrom(fd: number): Pipe {
    return added(this.#fromIt, fd);
  }

  output(fd: number): Output {
    return found(this.#toIt, fd);
  }

  input(fd: number): Input {
    return found(this.#fromIt, fd).reader;
  }

  wait(): Promise<Ended> {
    return this.#ended;
  }

  /** Nobody reads or writes there any more. */
  end(how: Ended): void {
    for (const { pipe } of this.#fromIt) pipe.close();
    for (const { pipe } of this.#toIt) pipe.reader.close();
    this.#settle(how);
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#settle({ signal });
    // What it waits for never comes: the function ends by itself and nobody listens any more.
    for (const { pipe } of this.#toIt) pipe.reader.close();
    for (const { pipe } of this.#fromIt) pipe.reader.close();
    for (const { pipe } of this.#fromIt) pipe.close();
  }
}

function added(ends: End[], fd: number): Pipe {
  const pipe = new Pipe();
  ends.push({ fd, pipe });
  return pipe;
}

function found(ends: readonly End[], descriptor: number): Pipe {
  for (const { fd, pipe } of ends) if (fd === descriptor) return pipe;
  throw new RangeError(`descriptor ${descriptor} of the child is no such pipe`);
}

/** The writing end alone: a program that has it cannot read back what it wrote. */
function writeOnly(pipe: Pipe): Output {
  return { write: (bytes) => pipe.write(bytes), flush: () => pipe.flush(), close: () => pipe.close() };
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
