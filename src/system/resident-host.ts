/**
 * The resident host: a program is a function call in a long-lived worker. `exec` calls the next function, `spawn`
 * runs it beside us with pipes in memory; a word that is someone else's runs as a real process.
 */
import { basename, resolve as resolvePath } from "node:path";
import { ownAddresses } from "./addresses.ts";
import { type RecordType, resolveRecords } from "./dns.ts";
import { appendToFile, HeldFile, readFileCached } from "./files.ts";
import { lookUp, ourProgram } from "./lookup.ts";
import { type Descriptors, noDescriptors, wiredUp } from "./resident/beside.ts";
import { Environment } from "./resident/environment.ts";
import type { LentTls, OnItsOwn } from "./resident/foreign-child.ts";
import { settingsIn, trustMs } from "./settings.ts";
import { sleep, sleepCoarsely } from "./sleep.ts";
import {
  type Account,
  CannotOpen,
  CannotRun,
  type Child,
  Closed,
  type Ended,
  type Facts,
  type Input,
  Killed,
  type Output,
  type Program,
  type Programs,
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

/** What a session of the resident host is made of. */
export interface Session {
  readonly programs: Programs;
  /** Not to be changed while the session lasts. */
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly input: Input;
  readonly output: Output;
  /** Takes each log line, without LF. */
  log(line: string): void;
  /** Who runs these words in the place of this process, when it is not to: a password is not ours to check. */
  elsewhere?(argv: readonly string[]): Program | undefined;
  /** Takes facts of the session, for a line at its end. */
  record?(facts: Facts): void;
  /** Somebody who may tell blocklistd(8). */
  tellBlocklist?: System["tellBlocklist"];
  /** `offered`: there may be a handshake; `prepared`: once a program of the chain says so; undefined: there is no TLS. */
  readonly tls?: "prepared" | "offered" | undefined;
  /** The handshake. Throws TlsFailed. */
  startTls?(input: Input, output: Output, timeoutSeconds: number): Promise<Secured>;
  /** The same for someone else's program, which asks for it on descriptors. */
  lendTls?(input: Input): LentTls;
  /** For the chain as processes of their own, whose log is that of this process. */
  readonly native?: OnItsOwn | undefined;
}

/** Runs `argv` as one session, to its end. Never throws: a mistake of ours is logged and ends as a signal would. */
export async function runResident(argv: readonly string[], session: Session): Promise<Ended> {
  const env = session.env instanceof Environment ? session.env : new Environment(session.env);
  const system = new ResidentSystem(session, argv[0] ?? "", env, session.cwd, 0);
  const { inputs, outputs } = system.descriptors;
  inputs[0] = session.input;
  outputs[1] = session.output;
  // A program that is called as qmail-queue is reads there.
  if ("read" in session.output) inputs[1] = session.output as Output & Input;
  return system.run(becomes, argv);
}

const becomes: Program = (argv, system) => system.exec(argv);

/** The exit code of whoever speaks TLS, when there was no handshake. s6-tlsd-io(8) */
const noHandshake = 98;

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
  readonly env: Environment;
  readonly #session: Session;
  #cwd: string;
  readonly descriptors: Descriptors = noDescriptors();
  /** Those that run. Made with the first one: most programs have none, and there are thousands of them. */
  #children: Child[] | undefined;
  #tls: "none" | "prepared" | "offered" | "started";

  constructor(session: Session, name: string, env: Environment, cwd: string, parentPid: number) {
    this.#session = session;
    this.#tls = session.tls ?? "none";
    this.name = basename(name);
    this.env = env;
    this.#cwd = cwd;
    this.parentPid = parentPid;
  }

  /** Runs a program to its end: its outputs are flushed, its children told, its mistakes caught. */
  async run(program: Program, args: readonly string[]): Promise<Ended> {
    try {
      const code = await program(args, this);
      for (const output of this.descriptors.outputs) if (output !== undefined) await output.flush();
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
      for (const child of this.#children ?? []) child.kill("SIGTERM");
    }
  }

  home(): string {
    return this.env.get("ACCEPTUTILS_HOME") ?? "/var/qmail";
  }

  cwd(): string {
    return this.#cwd;
  }

  chdir(directory: string): void {
    if (directory !== this.#cwd) this.#cwd = resolvePath(this.#cwd, directory);
  }

  input(descriptor: number): Input {
    const input = this.descriptors.inputs[descriptor];
    if (input === undefined) throw new CannotOpen(`descriptor ${descriptor}`, "EBADF");
    return input;
  }

  output(descriptor: number): Output {
    const output = this.descriptors.outputs[descriptor];
    if (output === undefined) throw new CannotOpen(`descriptor ${descriptor}`, "EBADF");
    return output;
  }

  log(line: string): void {
    this.#session.log(line);
  }

  record(facts: Facts): void {
    this.#session.record?.(facts);
  }

  tellBlocklist(told: Parameters<System["tellBlocklist"]>[0]): void {
    this.#session.tellBlocklist?.(told);
  }

  uids(): { real: number; effective: number; saved: number } {
    const uid = process.getuid!();
    return { real: uid, effective: process.geteuid!(), saved: uid };
  }

  /** A worker is not root; the auth process is the half that is. */
  async divide(): Promise<void> {}

  become({ user, uid, home, shell }: Account): void {
    // A worker is many sessions: it cannot become anybody. The worker of that user was asked for before.
    if (uid !== process.getuid!()) throw new CannotOpen(`uid ${uid}`, "EPERM");
    this.chdir(home);
    this.env.set("USER", user).set("HOME", home).set("SHELL", shell);
  }

  /** Not async: whoever becomes a program waits for that alone, as long as the session lasts. */
  exec(argv: readonly string[]): Promise<number> {
    try {
      const { path, ours } = lookUp(argv[0] ?? "", this.env.get("PATH"), this.#cwd);
      const found = ours === undefined ? undefined : this.#session.programs(ours);
      if (found === undefined) return this.#becomeForeign(path, argv);
      if (typeof found === "function") return this.#become(found, argv);
      return found.then((program) =>
        program === undefined ? this.#becomeForeign(path, argv) : this.#become(program, argv),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #become(program: Program, argv: readonly string[]): Promise<number> {
    this.name = basename(argv[0]!);
    return program(argv.slice(1), this);
  }

  async #becomeForeign(path: string, argv: readonly string[]): Promise<number> {
    const wires: Record<number, Wire> = {};
    const { inputs, outputs } = this.descriptors;
    for (let fd = 0; fd < Math.max(inputs.length, outputs.length); fd++)
      if ((inputs[fd] ?? outputs[fd]) !== undefined && inputs[fd]?.closed !== true)
        wires[fd] = { inherit: true };
    const lent = this.#tls === "offered" ? this.#session.lendTls?.(this.input(0)) : undefined;
    const ended = await (await this.#startForeign(path, argv, { wires }, lent)).wait();
    if ("signal" in ended) throw new Killed(ended.signal);
    return ended.code;
  }

  async spawn(argv: readonly string[], options: SpawnOptions): Promise<Child> {
    const word = argv[0] ?? "";
    const elsewhere = this.#session.elsewhere?.(argv);
    const { path, ours } = elsewhere
      ? { path: "", ours: undefined }
      : lookUp(word, this.env.get("PATH"), this.#cwd);
    const program = ours === undefined ? elsewhere : await this.#session.programs(ours);
    let child: Child;
    if (program === undefined) child = await this.#startForeign(path, argv, options);
    else {
      const env = this.#environmentWith(options.env);
      const system = new ResidentSystem(this.#session, word, env, this.#cwd, this.pid);
      system.#tls = "none"; // the connection is ours to secure
      const beside = wiredUp(system.pid, options.wires, this.descriptors, system.descriptors);
      void system.run(program, argv.slice(1)).then((how) => {
        beside.end(how);
        this.#forget(beside);
      });
      child = beside;
    }
    if (this.#children === undefined) this.#children = [child];
    else this.#children.push(child);
    if (program === undefined) void child.wait().then(() => this.#forget(child));
    return child;
  }

  #forget(child: Child): void {
    const at = this.#children!.indexOf(child);
    if (at >= 0) this.#children!.splice(at, 1);
  }

  async offerTls([program = ""]: readonly string[]): Promise<() => Promise<number>> {
    // What it takes was made ready when the server looked at its command line.
    if (this.#tls === "none") throw new CannotRun(program, "ENOTSUP");
    this.#tls = "offered";
    return async () => noHandshake;
  }

  ours(word: string): string | undefined {
    return ourProgram(word, this.env.get("PATH"), this.#cwd);
  }

  canStartTls(): boolean {
    return this.#tls === "offered";
  }

  async startTls(timeoutSeconds: number): Promise<ReadonlyMap<string, string | undefined>> {
    const session = this.#session;
    if (session.startTls === undefined || this.#tls !== "offered")
      throw new TlsFailed("the server does not offer TLS");
    await this.output(1).flush();
    const secured = await session.startTls(this.input(0), this.output(1), timeoutSeconds);
    this.#tls = "started";
    this.descriptors.inputs[0] = secured.input;
    this.descriptors.outputs[1] = secured.output;
    return secured.block;
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    const name = path.startsWith("/") ? path : `${this.#cwd}/${path}`;
    return readFileCached(name, name, trustMs);
  }

  settings<Value>(name: string, read: () => Promise<Value>): Promise<Value> | Value {
    return settingsIn(this.#cwd, name, read);
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
    return seconds < 5 ? sleep(seconds) : sleepCoarsely(seconds);
  }

  #environmentWith(changes: SpawnOptions["env"]): Environment {
    const env = this.env.fork();
    for (const [key, value] of Object.entries(changes ?? {})) {
      if (value === undefined) env.delete(key);
      else env.set(key, value);
    }
    return env;
  }

  async #startForeign(
    path: string,
    argv: readonly string[],
    { wires, env }: SpawnOptions,
    lent?: LentTls,
  ): Promise<Child> {
    const { startForeign } = await import("./resident/foreign-child.ts");
    return startForeign({
      path,
      argv,
      cwd: this.#cwd,
      env: this.#environmentWith(env),
      wires,
      parent: this.descriptors,
      lent,
      log: (line) => this.log(line),
      onItsOwn: this.#session.native,
    });
  }
}
