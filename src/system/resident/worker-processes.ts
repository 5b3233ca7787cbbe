/** The processes of a pool: one for each role, started when it is first needed, told apart by when they were used. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { memoryFile } from "../native.ts";
import { Channel, channelPair, closeEnd, type Received } from "./channel.ts";
import type { Role } from "./roles.ts";
import type { Service, WorkerFacts } from "./service.ts";

export interface WorkerProcess {
  /** Never used again for another. */
  readonly id: number;
  readonly key: string;
  readonly facts: WorkerFacts;
  readonly channel: Channel;
  readonly process: ChildProcess;
  readonly startedAt: number;
  /** The services it has been told of, to a user's worker. */
  readonly told: WeakSet<Service>;
  leaving: boolean;
}

export interface Owner {
  /** The first file of this program: build/app.cjs. */
  readonly entry: string;
  /** Where the workers are started. */
  readonly home: string;
  /** What happens to the workers themselves. */
  log(line: string): void;
  hear(worker: WorkerProcess, message: Received): void;
  /** A worker is gone that nobody asked to go, and it is time to start another. */
  lost(worker: WorkerProcess): void;
}

/**
 * Node.js cannot turn off the tickets of TLS 1.3, OpenSSL's own configuration can: a mail client seldom resumes, and two
 * tickets cost each handshake octets and work. RFC 9325 §3.4; config(5)
 */
const noTickets = `nodejs_conf = begin
openssl_conf = begin
[begin]
ssl_conf = modules
[modules]
system_default = server
[server]
NumTickets = 0
`;

export class WorkerProcesses {
  readonly #owner: Owner;
  /** In the order in which they were last asked for. */
  readonly #workers = new Map<string, WorkerProcess>();
  /** All that run, those too that only end what they have begun. */
  readonly #alive = new Set<WorkerProcess>();
  readonly #failures = new Map<string, number>();
  #lastId = 0;
  #stopping = false;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** The next number for a worker or a service. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get all(): readonly WorkerProcess[] {
    return [...this.#alive];
  }

  running(key: string): WorkerProcess | undefined {
    return this.#workers.get(key);
  }

  /** The worker of a role, which is started when there is none. */
  of(role: Role): WorkerProcess {
    const there = this.#workers.get(role.key);
    if (there === undefined) return this.#start(role);
    // Last used, last in the order.
    this.#workers.delete(role.key);
    this.#workers.set(role.key, there);
    return there;
  }

  /** Those of a kind that take new work; the one that was used least recently comes first. */
  inUse(kind: WorkerFacts["kind"]): readonly WorkerProcess[] {
    return [...this.#workers.values()].filter(({ facts }) => facts.kind === kind);
  }

  /** It gets no more work, and says `idle` when it has done what it has; others may take its place at once. */
  retire(worker: WorkerProcess): void {
    this.#leave(worker);
    worker.channel.send({ kind: "retire" });
  }

  #leave(worker: WorkerProcess): void {
    worker.leaving = true;
    if (this.#workers.get(worker.key) === worker) this.#workers.delete(worker.key);
  }

  /** It goes, by force after a while. */
  async end(worker: WorkerProcess): Promise<void> {
    this.#leave(worker);
    const gone = new Promise<void>((resolve) => worker.process.once("exit", () => resolve()));
    worker.channel.close();
    const late = setTimeout(() => worker.process.kill("SIGKILL"), 2000);
    if (worker.process.exitCode === null && worker.process.signalCode === null) await gone;
    clearTimeout(late);
  }

  async endAll(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.all.map((worker) => this.end(worker)));
  }

  #start({ key, facts }: Role): WorkerProcess {
    const { entry, home, hear } = this.#owner;
    const [ours, theirs] = channelPair();
    const testRun = process.env["ACCEPTUTILS_TEST_RUN"];
    const openssl = facts.kind === "tls" ? memoryFile("openssl.cnf", Buffer.from(noTickets)) : undefined;
    const flags = openssl === undefined ? [] : ["--openssl-config=/proc/self/fd/5"];
    const child = spawn(process.execPath, [...process.execArgv, ...flags, entry, "worker", facts.kind], {
      stdio: ["ignore", "ignore", 2, theirs.stream, theirs.packets, openssl],
      detached: true,
      cwd: home,
      env: {
        PATH: process.env["PATH"],
        ...(testRun && { ACCEPTUTILS_TEST_RUN: testRun }),
        ACCEPTUTILS_WORKER: JSON.stringify(facts),
      },
    });
    closeEnd(theirs);
    if (openssl !== undefined) closeSync(openssl);
    const channel = new Channel(ours, 0); // nobody gives the master anything
    const startedAt = performance.now();
    const told = new WeakSet<Service>();
    const worker = {
      id: this.nextId(),
      key,
      facts,
      channel,
      process: child,
      startedAt,
      told,
      leaving: false,
    };
    this.#workers.set(key, worker);
    this.#alive.add(worker);
    channel.onMessage = (message) => hear(worker, message);
    // No process was made, and none will exit.
    child.on("error", (error) => this.#ended(worker, `cannot start: ${error.message}`));
    child.on("exit", (code, signal) => this.#ended(worker, signal ?? `exit code ${code}`));
    return worker;
  }

  #ended(worker: WorkerProcess, how: string): void {
    const { key, facts, channel, leaving, startedAt } = worker;
    channel.close();
    this.#alive.delete(worker);
    if (this.#stopping) return;
    if (leaving && how === "exit code 0") return;
    this.#leave(worker);
    this.#owner.log(
      `acceptutils: ${facts.title.replace(/.*: /, "")} (pid ${worker.process.pid}) ended: ${how}`,
    );
    if (leaving || facts.kind === "user") return; // the next login starts another
    const failures = performance.now() - startedAt > 5000 ? 0 : (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    // The first time at once: clients are waiting. Later ever slower: it will not work this second either.
    setTimeout(
      () => {
        if (!this.#stopping) this.#owner.lost(worker);
      },
      failures <= 1 ? 0 : Math.min(5000, 100 * 2 ** failures),
    );
  }
}
