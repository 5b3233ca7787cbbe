/**
 * The native host: a program is a process. Descriptors are descriptors, exec is execve(2).
 * This is what runs under a foreign server, or in front of a foreign program.
 */

import { type ChildProcess, spawn as spawnProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { basename, resolve as resolvePath } from "node:path";
import { ownAddresses } from "./addresses.ts";
import { blocklistLibrary, type Told, tellBlocklist } from "./c-library/libblocklist.ts";
import { DescriptorInput, DescriptorOutput } from "./descriptor.ts";
import { type RecordType, resolveRecords } from "./dns.ts";
import { appendToFile, readFileCached, UnlinkedFile } from "./files.ts";
import { lineOf, writeLog } from "./log-line.ts";
import { lookUp, ourProgram } from "./lookup.ts";
import * as native from "./native.ts";
import { startOurs } from "./our-program.ts";
import { PrivilegedHalf } from "./privileged-half.ts";
import { ProcessChild } from "./process-child.ts";
import { sleep } from "./sleep.ts";
import {
  type Account,
  CannotOpen,
  CannotRun,
  type Child,
  codeOf,
  type Input,
  type Output,
  type Programs,
  type SpawnOptions,
  type System,
  type TemporaryFile,
  TlsFailed,
} from "./system.ts";
import { readBlock } from "./ucspi-tls.ts";

/** Where a program finds the three descriptors of UCSPI-TLS. ucspi-tls(2) */
const tlsVariables = ["SSLCTLFD", "SSLREADFD", "SSLWRITEFD"] as const;

class NativeSystem implements System {
  name: string;
  readonly pid = process.pid;
  readonly parentPid = process.ppid;
  readonly env: Map<string, string>;
  readonly #programs: Programs;
  readonly #inputs = new Map<number, Input>();
  readonly #outputs = new Map<number, Output>();
  /** What is still root, when we are not any more. */
  #privileged: PrivilegedHalf | undefined;
  #secured = false;

  constructor(name: string, programs: Programs) {
    this.name = name;
    this.#programs = programs;
    this.env = new Map(Object.entries(process.env).map(([key, value]) => [key, value ?? ""]));
    this.env.delete("NODE_COMPILE_CACHE");
    this.#moveTlsDescriptors();
  }

  home(): string {
    return this.env.get("ACCEPTUTILS_HOME") ?? "/var/qmail";
  }

  cwd(): string {
    return process.cwd();
  }

  chdir(directory: string): void {
    try {
      process.chdir(directory);
    } catch (error) {
      throw new CannotOpen(directory, codeOf(error), { cause: error });
    }
  }

  input(descriptor: number): Input {
    return entry(this.#inputs, descriptor, () => {
      if (descriptor > 2 && !wasInherited(descriptor)) {
        throw new CannotOpen(`descriptor ${descriptor}`, "EBADF");
      }
      return new DescriptorInput(descriptor);
    });
  }

  output(descriptor: number): Output {
    return entry(this.#outputs, descriptor, () => new DescriptorOutput(descriptor));
  }

  log(line: string): void {
    writeLog(lineOf(line));
  }

  /** A process is no session: whoever accepted the connection has the line. */
  record(): void {}

  tellBlocklist(told: Told): void {
    const library = this.env.get("ACCEPTUTILS_BLOCKLIST") ?? blocklistLibrary();
    if (library === undefined || library === "") return;
    try {
      tellBlocklist(library, told, 0);
    } catch (error) {
      this.log(
        `${this.name} ${this.pid} blocklistd was not told of ${told.client}: ${(error as Error).message}`,
      );
    }
  }

  uids(): { real: number; effective: number; saved: number } {
    const saved = /^Uid:\t\d+\t\d+\t(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    const effective = process.geteuid!();
    return { real: process.getuid!(), effective, saved: saved === undefined ? effective : Number(saved) };
  }

  become({ user, uid, gid, home, shell }: Account): void {
    if (process.getuid!() === 0) {
      // A user that only we know is in no other group.
      if (!native.joinGroupsOf(user, gid)) process.setgroups!([gid]);
    }
    // The order matters: without root's uid, the gid could not be changed any more.
    if (process.getgid!() !== gid || process.getegid!() !== gid) process.setgid!(gid);
    if (process.getuid!() !== uid || process.geteuid!() !== uid) process.setuid!(uid);
    this.chdir(home);
    this.env.set("USER", user).set("HOME", home).set("SHELL", shell);
  }

  async divide({ uid, gid }: Pick<Account, "uid" | "gid">, argv: readonly string[]): Promise<void> {
    if (process.getuid!() !== 0) return;
    const [, read, write] = tlsVariables.map((variable) => this.#tlsDescriptor(variable));
    const tls = this.canStartTls() && read !== undefined && write !== undefined ? { read, write } : undefined;
    const env = new Map(this.env);
    for (const variable of tlsVariables) env.delete(variable);
    this.#privileged = await PrivilegedHalf.start({ argv, env, tls });
    process.setgroups!([gid]);
    process.setgid!(gid);
    process.setuid!(uid);
  }

  async exec(argv: readonly string[]): Promise<number> {
    const [word = "", ...args] = argv;
    const { path, ours } = lookUp(word, this.env.get("PATH"), ".");
    const program = ours === undefined ? undefined : await this.#programs(ours);
    if (program !== undefined) {
      // Ours in ours: the same process goes on. Starting an interpreter again would cost 40 ms.
      this.name = basename(word);
      return program(args, this);
    }
    for (const output of this.#outputs.values()) await output.flush();
    for (const fd of [0, 1]) native.setBlocking(fd);
    for (const variable of tlsVariables) {
      const fd = this.#tlsDescriptor(variable);
      if (fd !== undefined) native.keepAcrossExec(fd);
    }
    native.restoreSignalsForExec();
    try {
      process.execve!(path, [word, ...args], Object.fromEntries(this.env));
    } catch (error) {
      throw new CannotRun(word, codeOf(error) || "ENOEXEC", { cause: error });
    }
    throw new CannotRun(word, "ENOEXEC");
  }

  async spawn(argv: readonly string[], { wires, env }: SpawnOptions): Promise<Child> {
    if (this.#privileged?.runs(argv)) {
      for (const output of this.#outputs.values()) await output.flush();
      const known = new Map([...this.env, ...(Object.entries(env ?? {}) as [string, string][])]);
      return this.#privileged.ask(known, { wires }, this.#secured);
    }
    const [word = "", ...args] = argv;
    const { path } = lookUp(word, this.env.get("PATH"), ".");
    const environment = new Map(this.env);
    // The child has our descriptors 0 and 1, in TLS or not; it cannot start TLS again.
    for (const variable of tlsVariables) environment.delete(variable);
    for (const [key, value] of Object.entries(env ?? {})) {
      if (value === undefined) environment.delete(key);
      else environment.set(key, value);
    }
    const stdio: (number | "pipe" | "ignore")[] = [];
    const highest = Math.max(2, ...Object.keys(wires).map(Number));
    for (let fd = 0; fd <= highest; fd++) {
      const wire = wires[fd];
      if (wire === undefined) stdio.push(fd === 2 ? 2 : "ignore");
      else if ("inherit" in wire) stdio.push(this.#inheritable(wire.from ?? fd));
      else if ("file" in wire) stdio.push(reopened(wire.file));
      else stdio.push("pipe");
    }
    for (const output of this.#outputs.values()) await output.flush();
    const process_ = spawnProcess(path, args, {
      argv0: word,
      stdio,
      env: Object.fromEntries(environment),
    });
    try {
      await once(process_, "spawn");
    } catch (error) {
      throw new CannotRun(word, codeOf(error), { cause: error });
    } finally {
      for (const [fd, wire] of Object.entries(wires)) {
        if ("file" in wire) closeSync(stdio[Number(fd)] as number);
      }
    }
    return new ProcessChild(process_, wires);
  }

  async offerTls([program = "", ...args]: readonly string[]): Promise<() => Promise<number>> {
    const [control, theirControl] = native.socketPair();
    const [read, decrypted] = native.pipe();
    const [clear, write] = native.pipe();
    const given = [theirControl, clear, decrypted];
    let monitor: ChildProcess;
    try {
      const env = Object.fromEntries(this.env);
      monitor = await startOurs({ name: program, args, env, descriptors: [0, 1], more: given });
      monitor.unref(); // whoever we become is not told that it ended
    } catch (error) {
      throw new CannotRun(program, codeOf(error), { cause: error });
    } finally {
      for (const fd of given) closeSync(fd);
    }
    for (const [at, fd] of [control, read, write].entries()) {
      this.env.set(tlsVariables[at]!, String(native.duplicateFrom(fd, 10)));
      closeSync(fd);
    }
    return async () => {
      monitor.ref();
      if (monitor.exitCode === null && monitor.signalCode === null) await once(monitor, "exit");
      return monitor.exitCode ?? 111;
    };
  }

  ours(word: string): string | undefined {
    return ourProgram(word, this.env.get("PATH"), ".");
  }

  canStartTls(): boolean {
    return tlsVariables.every((variable) => {
      const fd = this.#tlsDescriptor(variable);
      // A wrong number could be anything we have open: a file, a queue, Node.js's own.
      return fd !== undefined && native.wasInherited(fd);
    });
  }

  async startTls(timeoutSeconds: number): Promise<ReadonlyMap<string, string | undefined>> {
    const [control, read, write] = tlsVariables.map((variable) => this.#tlsDescriptor(variable));
    if (control === undefined || read === undefined || write === undefined || !this.canStartTls()) {
      throw new TlsFailed("SSLCTLFD, SSLREADFD or SSLWRITEFD is no descriptor of UCSPI-TLS");
    }
    await this.output(1).flush();
    native.setBlocking(0); // a TLS process that meets our non-blocking socket fails most handshakes
    const block = await readBlock(
      new DescriptorInput(control),
      new DescriptorOutput(control),
      timeoutSeconds,
    );
    native.duplicateOnto(read, 0);
    native.duplicateOnto(write, 1);
    closeSync(read);
    closeSync(write);
    this.#secured = true;
    this.#inputs.set(0, new DescriptorInput(0));
    this.#outputs.set(1, new DescriptorOutput(1));
    // The control socket itself stays open: some servers take its end for the end of the session.
    for (const variable of tlsVariables) this.env.delete(variable);
    return block;
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    // Not made absolute: whoever stands in a folder can read there, also where its full path is closed to him.
    return readFileCached(path, resolvePath(path));
  }

  settings<Value>(_name: string, read: () => Promise<Value>): Promise<Value> {
    return read();
  }

  appendFile(path: string, bytes: Uint8Array): Promise<void> {
    return appendToFile(path, bytes);
  }

  temporaryFile(): Promise<TemporaryFile> {
    return UnlinkedFile.create();
  }

  resolve(name: string, type: RecordType): Promise<readonly string[]> {
    return resolveRecords(name, type, this.env.get("ACCEPTUTILS_DNS"));
  }

  addresses(): ReadonlySet<string> {
    return ownAddresses();
  }

  now(): number {
    return Date.now();
  }

  sleep(seconds: number): Promise<void> & { cancel(): void } {
    return sleep(seconds);
  }

  async flush(): Promise<void> {
    for (const output of this.#outputs.values()) await output.flush();
  }

  /** A descriptor to hand on. Above 2, only what our parent gave us: the low numbers may be Node.js's own. */
  #inheritable(descriptor: number): number | "ignore" {
    const fd = this.#inputs.get(descriptor)?.fd ?? this.#outputs.get(descriptor)?.fd ?? descriptor;
    return fd <= 2 || native.wasInherited(fd) ? fd : "ignore";
  }

  #tlsDescriptor(variable: string): number | undefined {
    const text = this.env.get(variable);
    // The first three are the connection and the log.
    return text !== undefined && /^([3-9]|[1-9][0-9]{1,5})$/.test(text) ? Number(text) : undefined;
  }

  /** SSLREADFD is often 3, which is where checkpassword's secret arrives: make room. */
  #moveTlsDescriptors(): void {
    for (const variable of tlsVariables) {
      const fd = this.#tlsDescriptor(variable);
      if (fd === undefined || fd >= 10 || !native.wasInherited(fd)) continue;
      this.env.set(variable, String(native.duplicateFrom(fd, 10)));
      closeSync(fd);
    }
  }
}

function entry<Value>(map: Map<number, Value>, key: number, make: () => Value): Value {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

/** False when nobody gave us the descriptor: Node.js takes free numbers for its own event queue. */
function wasInherited(fd: number): boolean {
  try {
    const file = fstatSync(fd);
    return file.isFIFO() || file.isSocket() || file.isFile() || file.isCharacterDevice();
  } catch {
    return false;
  }
}

/** A descriptor of its own, at the start of the file, for one child. */
function reopened(file: TemporaryFile): number {
  if (!(file instanceof UnlinkedFile)) throw new TypeError("not a file of this host");
  return openSync(`/proc/self/fd/${file.handle.fd}`, "r+");
}

/** Runs the program `name` as this process and ends it with the program's exit code. */
export async function runNatively(name: string, args: readonly string[], programs: Programs): Promise<never> {
  const system = new NativeSystem(name, programs);
  const program = await programs(name);
  if (program === undefined) {
    system.log(`acceptutils: no program of ours is called ${name}`);
    native.exitNow(111);
  }
  try {
    const code = await program(args, system);
    await system.flush();
    native.exitNow(code);
  } catch (error) {
    // A mistake of ours. 111: whoever started us may try again later.
    system.log(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    native.exitNow(111);
  }
}
