/**
 * The resident host: a program is a function call in a long-lived worker. `exec` calls the next function, `spawn`
 * runs it beside us with pipes in memory; a word that is someone else's runs as a real process.
 */
import { spawn as spawnProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, resolve as resolvePath } from "node:path";
import type { Readable, Writable } from "node:stream";
import { ownAddresses } from "./addresses.ts";
import { type RecordType, resolveRecords } from "./dns.ts";
import { appendToFile, HeldFile, readFileCached, UnlinkedFile } from "./files.ts";
import { lookUp } from "./lookup.ts";
import * as native from "./native.ts";
import { ProcessChild, type Programs, sleep } from "./native-host.ts";
import { inputOf, Pipe } from "./pipe.ts";
import {
  type Account,
  CannotOpen,
  CannotRun,
  type Child,
  Closed,
  codeOf,
  type Ended,
  type Facts,
  type Input,
  Killed,
  type Output,
  type SpawnOptions,
  type System,
  type TemporaryFile,
  TlsFailed,
  type Wire,
} from "./system.ts";

/** What starting TLS gives a session: the same conversation, inside. */
export interface Secured {
  readonly input: Input;
  readonly output: Output;
  readonly block: ReadonlyMap<string, string | undefined>;
}

/** The descriptors of UCSPI-TLS for a program that is a process; `started` is called when it has them. */
export interface LentTls {
  readonly control: number;
  readonly read: number;
  readonly write: number;
  started(): void;
}

/** What a session of the resident host is made of. */
export interface Session {
  readonly programs: Programs;
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly input: Input;
  readonly output: Output;
  /** Takes each log line, without LF. */
  log(line: string): void;
  /** Takes facts of the session, for a line at its end. */
  record?(facts: Facts): void;
  /** The handshake, where the server offers it. Throws TlsFailed. */
  startTls?(input: Input, output: Output, timeoutSeconds: number): Promise<Secured>;
  /** The same for someone else's program, which asks for it on descriptors. */
  lendTls?(input: Input): LentTls;
}

/** Runs `argv` as one session, to its end. Never throws: a mistake of ours is logged and ends as a signal would. */
export async function runResident(argv: readonly string[], session: Session): Promise<Ended> {
  const system = new ResidentSystem(session, argv[0] ?? "", new Map(session.env), session.cwd, 0);
  system.wire(0, session.input);
  system.wire(1, session.output);
  return system.run(() => system.exec(argv));
}

let lastPid = 0;
/** Numbers for programs that are no process: this worker's pid in front, so that no other worker has them. */
function nextPid(): number {
  lastPid = (lastPid + 1) % 100_000;
  return process.pid * 100_000 + lastPid;
}

class ResidentSystem implements System {
  name: string;
  readonly pid = nextPid();
  readonly parentPid: number;
  readonly env: Map<string, string>;
  readonly #session: Session;
  #cwd: string;
  readonly #inputs = new Map<number, Input>();
  readonly #outputs = new Map<number, Output>();
  readonly #children = new Set<Child>();
  #secured = false;

  constructor(session: Session, name: string, env: Map<string, string>, cwd: string, parentPid: number) {
    this.#session = session;
    this.name = basename(name);
    this.env = env;
    this.#cwd = cwd;
    this.parentPid = parentPid;
  }

  wire(descriptor: number, end: Input | Output): void {
    if ("read" in end) this.#inputs.set(descriptor, end);
    if ("write" in end) this.#outputs.set(descriptor, end);
  }

  /** Runs a program to its end: its outputs are flushed, its children told, its mistakes caught. */
  async run(program: () => Promise<number>): Promise<Ended> {
    try {
      const code = await program();
      for (const output of this.#outputs.values()) await output.flush();
      return { code };
    } catch (error) {
      if (error instanceof Killed) return { signal: error.signal };
      if (error instanceof CannotRun) {
        this.log(`${this.name}: fatal: ${error.message}`);
        return { code: 111 };
      }
      if (!(error instanceof Closed)) this.log(`${this.name}: ${(error as Error).stack ?? String(error)}`);
      return error instanceof Closed ? { code: 1 } : { signal: "SIGABRT" };
    } finally {
      for (const child of this.#children) child.kill("SIGTERM");
    }
  }

  home(): string {
    return this.env.get("ACCEPTUTILS_HOME") ?? "/var/qmail";
  }

  cwd(): string {
    return this.#cwd;
  }

  chdir(directory: string): void {
    this.#cwd = resolvePath(this.#cwd, directory);
  }

  input(descriptor: number): Input {
    const input = this.#inputs.get(descriptor);
    if (input === undefined) throw new CannotOpen(`descriptor ${descriptor}`, "EBADF");
    return input;
  }

  output(descriptor: number): Output {
    const output = this.#outputs.get(descriptor);
    if (output === undefined) throw new CannotOpen(`descriptor ${descriptor}`, "EBADF");
    return output;
  }

  log(line: string): void {
    this.#session.log(line);
  }

  record(facts: Facts): void {
    this.#session.record?.(facts);
  }

  uids(): { real: number; effective: number; saved: number } {
    const uid = process.getuid!();
    return { real: uid, effective: process.geteuid!(), saved: uid };
  }

  become({ user, uid, home, shell }: Account): void {
    // A worker is many sessions: it cannot become anybody. The worker of that user was asked for before.
    if (uid !== process.getuid!()) throw new CannotOpen(`uid ${uid}`, "EPERM");
    this.chdir(home);
    this.env.set("USER", user).set("HOME", home).set("SHELL", shell);
  }

  async exec(argv: readonly string[]): Promise<number> {
    const [word = "", ...args] = argv;
    const { path, ours } = lookUp(word, this.env.get("PATH"), this.#cwd);
    const program = ours === undefined ? undefined : await this.#session.programs(ours);
    if (program !== undefined) {
      this.name = basename(word);
      return program(args, this);
    }
    const wires: Record<number, Wire> = {};
    for (const fd of this.#inputs.keys()) wires[fd] = { inherit: true };
    for (const fd of this.#outputs.keys()) wires[fd] = { inherit: true };
    const lent = this.#secured ? undefined : this.#session.lendTls?.(this.input(0));
    const ended = await (await this.#spawnForeign(path, word, args, { wires }, lent)).wait();
    if ("signal" in ended) throw new Killed(ended.signal);
    return ended.code;
  }

  async spawn(argv: readonly string[], options: SpawnOptions): Promise<Child> {
    const [word = "", ...args] = argv;
    const { path, ours } = lookUp(word, this.env.get("PATH"), this.#cwd);
    const program = ours === undefined ? undefined : await this.#session.programs(ours);
    const child =
      program === undefined
        ? await this.#spawnForeign(path, word, args, options)
        : this.#spawnOurs(word, (system) => program(args, system), options);
    this.#children.add(child);
    void child.wait().then(() => this.#children.delete(child));
    return child;
  }

  canStartTls(): boolean {
    return this.#session.startTls !== undefined && !this.#secured;
  }

  async startTls(timeoutSeconds: number): Promise<ReadonlyMap<string, string | undefined>> {
    const { startTls } = this.#session;
    if (startTls === undefined || this.#secured) throw new TlsFailed("the server does not offer TLS");
    await this.output(1).flush();
    const secured = await startTls(this.input(0), this.output(1), timeoutSeconds);
    this.#secured = true;
    this.#inputs.set(0, secured.input);
    this.#outputs.set(1, secured.output);
    return secured.block;
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    return readFileCached(resolvePath(this.#cwd, path));
  }

  appendFile(path: string, bytes: Uint8Array): Promise<void> {
    return appendToFile(resolvePath(this.#cwd, path), bytes);
  }

  temporaryFile(): Promise<TemporaryFile> {
    return Promise.resolve(new HeldFile());
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

  #environmentWith(changes: SpawnOptions["env"]): Map<string, string> {
    const env = new Map(this.env);
    for (const [key, value] of Object.entries(changes ?? {})) {
      if (value === undefined) env.delete(key);
      else env.set(key, value);
    }
    return env;
  }

  #spawnOurs(word: string, program: (system: System) => Promise<number>, options: SpawnOptions): Child {
    const env = this.#environmentWith(options.env);
    const system = new ResidentSystem(this.#session, word, env, this.#cwd, this.pid);
    const inputs = new Map<number, Input>();
    const outputs = new Map<number, Output>();
    const theirs: Pipe[] = [];
    for (const [key, wire] of Object.entries(options.wires)) {
      const fd = Number(key);
      if ("inherit" in wire) {
        const input = this.#inputs.get(wire.from ?? fd);
        const output = this.#outputs.get(wire.from ?? fd);
        if (input !== undefined) system.wire(fd, input);
        if (output !== undefined) system.wire(fd, output);
      } else if ("toChild" in wire) {
        const pipe = new Pipe();
        outputs.set(fd, pipe);
        system.wire(fd, pipe.reader);
      } else if ("fromChild" in wire) {
        const pipe = new Pipe();
        theirs.push(pipe);
        inputs.set(fd, pipe.reader);
        system.wire(fd, writeOnly(pipe));
      } else if ("bytes" in wire) {
        system.wire(fd, inputOf(Uint8Array.from(wire.bytes)));
      } else {
        system.wire(fd, fileInput(wire.file));
        system.wire(fd, fileOutput(wire.file));
      }
    }
    let kill: (ended: Ended) => void = () => {};
    const killed = new Promise<Ended>((resolve) => {
      kill = resolve;
    });
    const ended = Promise.race([system.run(() => program(system)), killed]).then((how) => {
      for (const pipe of theirs) pipe.close();
      for (const output of outputs.values()) (output as Pipe).reader.close();
      return how;
    });
    return {
      pid: system.pid,
      output: (fd) => found(outputs, fd),
      input: (fd) => found(inputs, fd),
      wait: () => ended,
      kill: (signal) => {
        kill({ signal });
        // What it waits for never comes: the function ends by itself and nobody listens any more.
        for (const output of outputs.values()) (output as Pipe).reader.close();
        for (const pipe of theirs) pipe.reader.close();
      },
    };
  }

  async #spawnForeign(
    path: string,
    word: string,
    args: string[],
    { wires, env }: SpawnOptions,
    lent?: LentTls,
  ): Promise<Child> {
    const stdio: (number | "pipe" | "ignore" | "inherit")[] = [];
    const pumps: (((stream: Readable & Writable) => void) | undefined)[] = [];
    const shared: number[] = [];
    const files: number[] = [];
    const highest = Math.max(2, ...Object.keys(wires).map(Number));
    for (let fd = 0; fd <= highest; fd++) {
      const wire = wires[fd];
      if (wire === undefined) {
        stdio.push(fd === 2 ? "pipe" : "ignore");
      } else if ("file" in wire) {
        const real = await realFile(wire.file);
        const file = openSync(`/proc/self/fd/${real.handle.fd}`, "r+");
        files.push(file);
        stdio.push(file);
      } else if ("inherit" in wire) {
        const input = this.#inputs.get(wire.from ?? fd);
        const output = this.#outputs.get(wire.from ?? fd);
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
    const environment = this.#environmentWith(env);
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
      cwd: this.#cwd,
      env: Object.fromEntries(environment),
    });
    try {
      await once(child, "spawn");
    } catch (error) {
      // Node.js says ENOENT also when the directory is the one that is missing.
      const code = codeOf(error);
      throw (await isDirectory(this.#cwd)) ? new CannotRun(word, code) : new CannotOpen(this.#cwd, code);
    } finally {
      for (const file of files) closeSync(file);
      lent?.started();
    }
    if (wires[2] === undefined) logLines(child.stdio[2] as Readable, (line) => this.log(line));
    for (const [fd, pump] of pumps.entries()) pump?.(child.stdio[fd] as Readable & Writable);
    // A child's descriptors 0 to 2 are made waiting ones, and with them ours: the open file is the same.
    child.on("exit", () => {
      for (const fd of shared) native.setNonBlocking(fd);
    });
    return new ProcessChild(child, wires);
  }
}

function found<End>(ends: ReadonlyMap<number, End>, descriptor: number): End {
  const end = ends.get(descriptor);
  if (end === undefined) throw new RangeError(`descriptor ${descriptor} of the child is no such pipe`);
  return end;
}

const tlsDescriptors = ({ control, read, write }: LentTls) => ({
  SSLCTLFD: control,
  SSLREADFD: read,
  SSLWRITEFD: write,
});

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

/** The file that a process can inherit. */
function realFile(file: TemporaryFile): UnlinkedFile | Promise<UnlinkedFile> {
  if (file instanceof HeldFile) return file.file();
  if (file instanceof UnlinkedFile) return file;
  throw new TypeError("not a file of this host");
}

function fileOutput(file: TemporaryFile): Output {
  return { write: (bytes) => file.write(bytes), flush: async () => {}, close: () => {} };
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
