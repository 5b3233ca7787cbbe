/**
 * The services of a home folder in this process: each `service/NAME/run` by sh, as daemontools would, and the workers
 * they share in one pool. What dies is started again.
 */
import { Pool } from "../resident/pool.ts";
import { unprivilegedOf } from "../resident/unprivileged.ts";
import { drainSeconds, Running, type Script } from "./running.ts";

export interface Hooks {
  /** One line of a service's log, or of the master's own (name ""). */
  log(name: string, line: string): void;
  /** Aborted: let sessions end, then stop. */
  readonly stop: AbortSignal;
}

/** What serves a home, here or in a process that took over. */
export interface Serving {
  /** The listening sockets, by the names of their services: copies, the caller's. */
  listening(): Promise<ReadonlyMap<string, number>>;
  /** All files anew, each service's as a whole or not at all. */
  reload(): void;
  /** No new sessions; those under way have an hour. Resolves when what there can be only one of has ended. */
  leave(): Promise<void>;
  /** All ends, by force after `seconds`. Resolves when it has. */
  stop(seconds: number): Promise<void>;
}

const longSeconds = 3600;

export class Services implements Serving {
  readonly #pool: Pool;
  readonly #running: readonly Running[];
  readonly #log: (line: string) => void;
  /** Once we have left: resolves when the last session has ended. */
  #drained: Promise<void> | undefined;

  /** `inherited`: listening sockets by the names of services, which are ours from now on. */
  constructor(home: string, scripts: readonly Script[], hooks: Hooks, inherited = new Map<string, number>()) {
    this.#log = (line) => hooks.log("", line);
    this.#pool = new Pool({
      entry: process.argv[1]!,
      home,
      unprivileged: unprivilegedOf(home),
      log: this.#log,
    });
    this.#running = scripts.map(
      (script) => new Running(home, script, this.#pool, hooks, inherited.get(script.name)),
    );
  }

  /** Resolves when everything answers. Throws StartFailed, unless `patiently`: then it goes on trying. */
  async start(patiently: boolean): Promise<void> {
    await Promise.all(this.#running.map((one) => one.start(patiently)));
    await Promise.all(
      this.#running.map((one) =>
        one.answers().catch((error: Error) => {
          if (!patiently) throw error;
          this.#log(error.message);
        }),
      ),
    );
  }

  /** Starts what has inherited its socket; the function that it resolves to starts the rest. Throws StartFailed. */
  async startBeside(): Promise<() => Promise<void>> {
    const rest = this.#running.filter((one) => !one.shared);
    await Promise.all(this.#running.filter((one) => one.shared).map((one) => one.start(false)));
    return async () => {
      await Promise.all(rest.map((one) => one.start(true)));
    };
  }

  async listening(): Promise<ReadonlyMap<string, number>> {
    const sockets = this.#running.map((one) => [one.name, one.listening()] as const);
    return new Map(sockets.filter((pair): pair is [string, number] => pair[1] !== undefined));
  }

  reload(): void {
    void this.#pool.reload();
    for (const one of this.#running) one.reload();
  }

  async leave(): Promise<void> {
    for (const one of this.#running) one.leave();
    const alone = this.#running.filter((one) => !one.shared);
    const others = this.#running.filter((one) => one.shared);
    await Promise.all(alone.map((one) => one.end()));
    this.#drained ??= this.#pool
      .close(longSeconds)
      .then(async () => void (await Promise.all(others.map((one) => one.end("SIGQUIT", longSeconds)))));
  }

  /** Resolves when the last session has ended, once we have left. */
  get drained(): Promise<void> | undefined {
    return this.#drained;
  }

  async stop(seconds: number): Promise<void> {
    for (const one of this.#running) one.leave();
    if (this.#drained === undefined) await this.#pool.close(seconds);
    else {
      await Promise.race([this.#drained, late(seconds)]);
      await this.#pool.close(0);
    }
    await Promise.all(this.#running.map((one) => one.end("SIGTERM", drainSeconds)));
  }
}

const late = (seconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, seconds * 1000).unref();
  });
