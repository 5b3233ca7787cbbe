/** A program of ours beside the one that spawned it, in the same worker: its pipes are in memory. */
import { wipeableCopy } from "../../protocol/wipeable.ts";
import { inputOf, Pipe } from "../pipe.ts";
import type { Child, Ended, Input, Output, SpawnOptions, TemporaryFile } from "../system.ts";

/** Descriptors of a program. */
export interface Descriptors {
  readonly inputs: Map<number, Input>;
  readonly outputs: Map<number, Output>;
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
  const inputs = new Map<number, Input>();
  const outputs = new Map<number, Pipe>();
  const pipesFromChild: Pipe[] = [];
  for (const [key, wire] of Object.entries(wires)) {
    const fd = Number(key);
    if ("inherit" in wire) {
      const input = parent.inputs.get(wire.from ?? fd);
      const output = parent.outputs.get(wire.from ?? fd);
      if (input !== undefined) theirs.inputs.set(fd, input);
      if (output !== undefined) theirs.outputs.set(fd, output);
    } else if ("both" in wire) {
      const [toChild, fromChild] = [new Pipe(), new Pipe()];
      pipesFromChild.push(fromChild);
      outputs.set(fd, toChild);
      inputs.set(fd, fromChild.reader);
      theirs.inputs.set(fd, toChild.reader);
      theirs.outputs.set(fd, writeOnly(fromChild));
    } else if ("toChild" in wire) {
      const pipe = new Pipe();
      outputs.set(fd, pipe);
      theirs.inputs.set(fd, pipe.reader);
    } else if ("fromChild" in wire) {
      const pipe = new Pipe();
      pipesFromChild.push(pipe);
      inputs.set(fd, pipe.reader);
      theirs.outputs.set(fd, writeOnly(pipe));
    } else if ("bytes" in wire) {
      theirs.inputs.set(fd, inputOf(wipeableCopy(wire.bytes)));
    } else {
      theirs.inputs.set(fd, fileInput(wire.file));
      theirs.outputs.set(fd, fileOutput(wire.file));
    }
  }
  let kill: (ended: Ended) => void = () => {};
  const killed = new Promise<Ended>((resolve) => {
    kill = resolve;
  });
  const ended = Promise.race([run(), killed]).then((how) => {
    for (const pipe of pipesFromChild) pipe.close();
    for (const output of outputs.values()) output.reader.close();
    return how;
  });
  return {
    pid,
    output: (fd) => found(outputs, fd),
    input: (fd) => found(inputs, fd),
    wait: () => ended,
    kill: (signal) => {
      kill({ signal });
      // What it waits for never comes: the function ends by itself and nobody listens any more.
      for (const output of outputs.values()) output.reader.close();
      for (const pipe of pipesFromChild) pipe.reader.close();
    },
  };
}

function found<End>(ends: ReadonlyMap<number, End>, descriptor: number): End {
  const end = ends.get(descriptor);
  if (end === undefined) throw new RangeError(`descriptor ${descriptor} of the child is no such pipe`);
  return end;
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
