/** Runs the services of a home folder, as a whole: here, and after an upgrade in a process that took over. */
import { once } from "node:events";
import { setTimeout as sleepMs } from "node:timers/promises";
import { Guard, resumedVariable } from "./guard.ts";
import { drainSeconds, type Script } from "./running.ts";
import { type Hooks, Services, type Serving } from "./services.ts";
import { Successor, succeed, succeeds } from "./successor.ts";

export interface Requests extends Hooks {
  /** Everything answers. */
  ready(): void;
  /** Set here: what signals ask for. */
  requests: { reload?: () => void; upgrade?: () => void };
}

/** Before another process is started for one that died, ever longer. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** Runs `scripts`, each in `home`, until `hooks.stop`. Throws StartFailed, with nothing left running, when one cannot start. */
export async function runServices(home: string, scripts: readonly Script[], hooks: Requests): Promise<void> {
  if (succeeds()) return succeed(home, scripts, hooks);
  const resumed = process.env[resumedVariable] !== undefined;
  delete process.env[resumedVariable];
  const guard = new Guard(resumed);
  const services = new Services(home, scripts, hooks);
  const succession = new Succession(services, hooks);
  hooks.requests.reload = () => succession.current.reload();
  hooks.requests.upgrade = () => void succession.handOver();
  const stopAll = async () => {
    await succession.stop(hooks.stop.aborted ? drainSeconds : 0);
    guard.release();
  };
  try {
    // Someone who has clients waiting tries again where a first start gives up and says why.
    await services.start(resumed);
  } catch (error) {
    await stopAll();
    if (hooks.stop.aborted) return;
    throw error;
  }
  hooks.ready();
  if (!hooks.stop.aborted) await once(hooks.stop, "abort");
  await stopAll();
}

/** Who serves: we, or the last of those that we started to take over. */
class Succession {
  readonly #first: Services;
  readonly #hooks: Hooks;
  readonly #successors = new Set<Successor>();
  #current: Serving;
  #starting: Promise<unknown> | undefined;
  #stopping = false;

  constructor(first: Services, hooks: Hooks) {
    this.#first = first;
    this.#current = first;
    this.#hooks = hooks;
  }

  get current(): Serving {
    return this.#current;
  }

  async stop(seconds: number): Promise<void> {
    this.#stopping = true;
    await this.#starting;
    await Promise.all([this.#first, ...this.#successors].map((each) => each.stop(seconds)));
  }

  /** All or nothing: who serves goes on unless the other one does. One after the other, when asked meanwhile. */
  async handOver(): Promise<void> {
    const before = this.#starting;
    const now = (async () => {
      await before;
      if (!this.#stopping) await this.#replace(this.#current, await this.#current.listening());
    })();
    this.#starting = now;
    await now;
    if (this.#starting === now) this.#starting = undefined;
  }

  async #replace(before: Serving | undefined, sockets: ReadonlyMap<string, number>): Promise<boolean> {
    const successor = await Successor.start(sockets, process.env);
    if (successor === undefined) {
      this.#log("warning: upgrade: the new process does not serve; the old one goes on");
      return false;
    }
    this.#successors.add(successor);
    this.#current = successor;
    this.#log(`upgrade: pid ${successor.pid} takes new sessions`);
    void successor.gone.then(() => this.#lost(successor));
    await before?.leave();
    successor.takeRest();
    return true;
  }

  /** Nobody serves any more: another is to, whose sockets are new. */
  async #lost(successor: Successor): Promise<void> {
    this.#successors.delete(successor);
    for (let pause = firstPauseMs; this.#current === successor && !this.#stopping; ) {
      this.#log(`warning: pid ${successor.pid} ended; another one is started`);
      if (await this.#replace(undefined, new Map())) return;
      await sleepMs(pause);
      pause = Math.min(2 * pause, longestPauseMs);
    }
  }

  #log(line: string): void {
    this.#hooks.log("", line);
  }
}
