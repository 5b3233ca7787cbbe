/** Someone else's program beside one of ours: a process, with descriptors where ours have them and pipes elsewhere. */
import { spawn as spawnProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { HeldFile, UnlinkedFile } from "../files.ts";
import * as native from "../native.ts";
import { ProcessChild } from "../process-child.ts";
import {
  CannotOpen,
  CannotRun,
  type Child,
  codeOf,
  type Input,
  type Output,
  type SpawnOptions,
  type TemporaryFile,
} from "../system.ts";
import type { Descriptors } from "./beside.ts";

/** The descriptors of UCSPI-TLS for a program that is a process; `started` is called when it has them. */
export interface LentTls {
  readonly control: number;
  readonly read: number;
  readonly write: number;
  started(): void;
}

/** A process with a group of its own and our descriptor 2 as its log. */
export interface OnItsOwn {
  /** Who it is to be; undefined: who we are. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Aborted when it, and what it has started, is to end. */
  readonly stopped: AbortSignal | undefined;
}

/** What is run, and whose descriptors it may inherit. */
export interface Foreign {
  readonly path: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  readonly wires: SpawnOptions["wires"];
  readonly parent: Descriptors;
  readonly lent?: LentTls | undefined;
  /** Takes each line of its descriptor 2, unless that is wired or ours. */
  log(line: string): void;
  readonly onItsOwn?: OnItsOwn | undefined;
}

/** Starts the process. Throws CannotRun, or CannotOpen when its folder is missing. */
export async function startForeign(foreign: Foreign): Promise<Child> {
  const { path, argv, cwd, wires, parent, lent, log, onItsOwn } = foreign;
  const [word = "", ...args] = argv;
  const stdio: (number | "pipe" | "ignore" | "inherit")[] = [];
  const pumps: (((stream: Readable & Writable) => void) | undefined)[] = [];
  const shared: number[] = [];
  const files: number[] = [];
  const highest = Math.max(2, ...Object.keys(wires).map(Number));
  for (let fd = 0; fd <= highest; fd++) {
    const wire = wires[fd];
    if (wire === undefined) {
      stdio.push(fd !== 2 ? "ignore" : onItsOwn === undefined ? "pipe" : 2);
    } else if ("file" in wire) {
      const real = await realFile(wire.file);
      const file = openSync(`/proc/self/fd/${real.handle.fd}`, "r+");
      files.push(file);
      stdio.push(file);
    } else if ("inherit" in wire) {
      const input = parent.inputs[wire.from ?? fd];
      const output = parent.outputs[wire.from ?? fd];
      await output?.flush();
      const real = input?.fd ?? output?.fd;
      if (real !== undefined) {
        shared.push(real);
        stdio.push(real);
      } else if (input === undefined && output === undefined) {
        stdio.push("ignore");
      } else {
        stdio.push("pipe");
        pumps[fd] = (stream) => {
          if (input !== undefined) void pumpToProcess(input, stream);
          else if (output !== undefined) void pumpFromProcess(stream, output);
        };
      }
    } else {
      stdio.push("pipe");
    }
  }
  const environment = new Map(foreign.env);
  for (const [name, from] of Object.entries(lent === undefined ? {} : tlsDescriptors(lent))) {
    // From 10 up: 3 is where a checkpassword reads.
    const to = Math.max(10, stdio.length);
    while (stdio.length < to) stdio.push("ignore");
    stdio.push(from);
    environment.set(name, String(to));
  }
  const child = spawnProcess(path, args, {
    argv0: word,
    stdio,
    cwd,
    env: Object.fromEntries(environment),
    detached: onItsOwn !== undefined,
    ...(onItsOwn?.uid === undefined ? {} : { uid: onItsOwn.uid }),
    ...(onItsOwn?.gid === undefined ? {} : { gid: onItsOwn.gid }),
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    // Node.js says ENOENT also when the directory is the one that is missing.
    const code = codeOf(error);
    throw (await isDirectory(cwd)) ? new CannotRun(word, code) : new CannotOpen(cwd, code);
  } finally {
    for (const file of files) closeSync(file);
    lent?.started();
  }
  if (stdio[2] === "pipe" && wires[2] === undefined) logLines(child.stdio[2] as Readable, log);
  const stop = () => tryToEnd(child.pid!);
  onItsOwn?.stopped?.addEventListener("abort", stop);
  for (const [fd, pump] of pumps.entries()) pump?.(child.stdio[fd] as Readable & Writable);
  // A child's descriptors 0 to 2 are made waiting ones, and with them ours: the open file is the same.
  child.on("exit", () => {
    onItsOwn?.stopped?.removeEventListener("abort", stop);
    for (const fd of shared) native.setNonBlocking(fd);
  });
  return new ProcessChild(child, wires);
}

/** A process and what it has started, unless that is gone. */
function tryToEnd(group: number): void {
  try {
    process.kill(-group, "SIGTERM");
  } catch {
    // gone
  }
}

const tlsDescriptors = ({ control, read, write }: LentTls) => ({
  SSLCTLFD: control,
  SSLREADFD: read,
  SSLWRITEFD: write,
});

/** The file that a process can inherit. */
function realFile(file: TemporaryFile): UnlinkedFile | Promise<UnlinkedFile> {
  if (file instanceof HeldFile) return file.file();
  if (file instanceof UnlinkedFile) return file;
  throw new TypeError("not a file of this host");
}

async function pumpToProcess(input: Input, stream: Writable): Promise<void> {
  stream.on("error", () => {});
  for (;;) {
    const chunk = await input.read().catch(() => null);
    if (chunk === null || stream.destroyed) break;
    if (!stream.write(chunk))
      await Promise.race([once(stream, "drain"), once(stream, "close")]).catch(() => {});
  }
  stream.end();
}

async function pumpFromProcess(stream: Readable, output: Output): Promise<void> {
  try {
    for await (const chunk of stream) await output.write(chunk as Uint8Array);
  } catch {
    stream.destroy(); // nobody reads it: the process sees a broken pipe
  }
}

/** Each line of a foreign program's stderr becomes a line of our log; a line without end is one at 64 KiB. */
function logLines(stream: Readable, log: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("latin1");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(log);
    if (rest.length < 65536) return;
    log(rest);
    rest = "";
  });
  stream.on("end", () => {
    if (rest !== "") log(rest);
  });
  stream.on("error", () => {});
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
