/**
 * A server's process that is the master of its own workers, and what signals make of it:
 *
 *     TERM, INT   no new sessions; those under way have 10 seconds
 *     QUIT        no new sessions; those under way have an hour
 *     HUP         certificates, keys and rules are read again
 *     USR2        another process of the program as it is now on disk takes over, with the same listening socket
 *
 * Whoever supervises us knows our number, so we stay when another has taken over, and pass on what we are told.
 */
import { closeSync, existsSync } from "node:fs";
import { writeLog } from "../log-line.ts";
import { duplicateFrom } from "../native.ts";
import type { System } from "../system.ts";
import { Pool } from "./pool.ts";
import type { Service } from "./service.ts";
import { type Successor, startSuccessor } from "./successor.ts";
import { unprivilegedOf } from "./unprivileged.ts";

const shortSeconds = 10;
const longSeconds = 3600;

/** How a service starts. */
export interface Start {
  /** Of the listening socket, which is given away. */
  readonly fd: number;
  /** Of the keys (-3). */
  readonly password?: Uint8Array | undefined;
  /** Called once clients are served. */
  ready(): Promise<void>;
}

/** Serves until it is told to end; resolves to the exit code. Throws when the service cannot start. */
export async function alone(service: Service, start: Start, system: System): Promise<number> {
  const pool = new Pool({
    entry: process.argv[1]!,
    home: existsSync(system.home()) ? system.home() : "/",
    unprivileged: unprivilegedOf(system.home()),
    log: (line) => system.log(line),
  });
  const listening = duplicateFrom(start.fd, 10);
  const say = (line: string) => {
    if (service.verbosity > 0) system.log(`${service.server}: ${line}`);
  };
  try {
    await pool.serve({ ...service, id: pool.nextService() }, start.fd, writeLog, start.password);
    // Whoever is told that we are ready may send signals.
    const { ended } = new Succession(pool, listening, start.password, say);
    await start.ready();
    return await ended;
  } catch (error) {
    await pool.close(0);
    throw error;
  }
}

/** Who serves: we, or the last of those that we started to take over. */
class Succession {
  /** The exit code, once there is nothing left to do. */
  readonly ended: Promise<number>;
  readonly #pool: Pool;
  readonly #listening: number;
  readonly #password: Uint8Array | undefined;
  readonly #say: (line: string) => void;
  readonly #successors = new Set<Successor>();
  #current: Successor | undefined;
  #starting = false;
  #ending = false;
  /** Our own sessions, once another serves. */
  #drained: Promise<void> | undefined;
  #end!: (code: number) => void;

  constructor(pool: Pool, listening: number, password: Uint8Array | undefined, say: (line: string) => void) {
    this.#pool = pool;
    this.#listening = listening;
    this.#password = password;
    this.#say = say;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => void this.#finish("SIGTERM", shortSeconds));
    process.on("SIGQUIT", () => void this.#finish("SIGQUIT", longSeconds));
    process.on("SIGHUP", () => {
      if (this.#current === undefined) void this.#pool.reload();
      else this.#current.tell("SIGHUP");
    });
    process.on("SIGUSR2", () => void this.#handOver());
  }

  async #finish(signal: "SIGTERM" | "SIGQUIT", seconds: number): Promise<void> {
    // The second time is for whoever does not want to wait any more.
    const late = this.#ending ? 0 : seconds;
    if (!this.#ending) closeSync(this.#listening); // kept for successors, of which there will be none
    this.#ending = true;
    for (const successor of this.#successors) successor.tell(signal);
    await Promise.all([this.#drain(late), ...[...this.#successors].map(({ gone }) => gone)]);
    this.#end(0);
  }

  /** Our own sessions end, and our workers with them. */
  async #drain(seconds: number): Promise<void> {
    if (this.#drained === undefined) return this.#pool.close(seconds);
    let late: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      late = setTimeout(resolve, seconds * 1000);
    });
    await Promise.race([this.#drained, enough]);
    clearTimeout(late);
    return this.#pool.close(0);
  }

  /** All or nothing: we go on unless the other one serves. */
  async #handOver(): Promise<void> {
    if (this.#starting || this.#ending) return;
    this.#starting = true;
    const successor = await startSuccessor(this.#listening, this.#password);
    this.#starting = false;
    if (successor === undefined) {
      this.#say("warning: upgrade: the new process does not serve; the old one goes on");
      return;
    }
    this.#successors.add(successor);
    void successor.gone.then((code) => {
      this.#successors.delete(successor);
      // Nobody serves any more: whoever supervises us is to start us again.
      if (this.#current === successor && !this.#ending)
        void this.#pool.close(0).then(() => this.#end(code || 111));
    });
    const before = this.#current;
    this.#current = successor;
    this.#say(`upgrade: pid ${successor.pid} takes new sessions`);
    if (before !== undefined) before.tell("SIGQUIT");
    else this.#drained ??= this.#pool.close(longSeconds);
    if (this.#ending) successor.tell("SIGTERM");
  }
}
