/** One run script and the process it has become, which is started again when it dies. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { reachable } from "../home/ports.ts";
import { duplicateFrom } from "../native.ts";
import { Channel, channelPair, closeEnd, type Received } from "../resident/channel.ts";
import { listeningVariable } from "../resident/master.ts";
import type { Pool } from "../resident/pool.ts";
import type { Service } from "../resident/service.ts";
import { accepts, greets } from "./answering.ts";
import type { Hooks } from "./services.ts";

/** One service to run. */
export interface Script {
  readonly name: string;
  /** Absolute path of the run script. */
  readonly script: string;
  /** The script's variables, on top of ours. */
  readonly env: ReadonlyMap<string, string>;
  /** Where it is to answer; undefined: nobody connects to it, or its script does not tell. */
  readonly listener?:
    | { readonly host: string; readonly port: number; readonly tls: "starttls" | "implicit" }
    | undefined;
}

/** A service did not come up; the message is its own last line. */
export class StartFailed extends Error {
  override readonly name = "StartFailed";
}

/** Whoever lived that long had started; what ends sooner is started again after ever longer pauses. */
const livedMs = 5000;
const longestPauseMs = 30_000;
/** Lines of one run that are known again in the next. */
const mostSaid = 100;
/** Characters of a service's last words that are repeated when it does not start. */
const mostShown = 200;
/** Seconds for sessions to end after a stop. */
export const drainSeconds = 10;
/** Milliseconds that a server of ours has to register, before it is asked whether it is somebody else's. */
const registerMilliseconds = 250;
/** Seconds in which everything must answer after the start. */
const startSeconds = 30;

export class Running {
  readonly #home: string;
  readonly #facts: Script;
  readonly #pool: Pool;
  readonly #hooks: Hooks;
  #process: ChildProcess | undefined;
  #registered: number | undefined;
  /** The listening socket that our predecessor had, for the first start; then that of a server outside the pool. */
  #inherited: number | undefined;
  #own: number | undefined;
  #leaving = false;
  #lastLine = "";
  /** By the run before, if that failed. */
  #saidBefore: ReadonlySet<string> = new Set();
  #startedAt = 0;
  #failures = 0;
  #up: { resolve(): void; reject(why: Error): void } | undefined;

  /** `inherited`: a listening socket, which is ours from now on. */
  constructor(home: string, facts: Script, pool: Pool, hooks: Hooks, inherited?: number) {
    this.#inherited = inherited;
    this.#home = home;
    this.#facts = facts;
    this.#pool = pool;
    this.#hooks = hooks;
  }

  /**
   * Resolves when the service is registered, or runs or answers, when it is no server of ours; or when we are to stop.
   * Throws StartFailed; `patiently`, it is tried again instead.
   */
  start(patiently: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#up = { resolve, reject: patiently ? () => {} : reject };
      if (this.#hooks.stop.aborted) return resolve();
      this.#hooks.stop.addEventListener("abort", () => this.#isUp(), { once: true });
      const beside = this.#inherited !== undefined;
      this.#run();
      void this.#watch(beside);
    });
  }

  /** A server of somebody else's registers nothing: it is up when it answers, unless that may be our predecessor (`beside`). */
  async #watch(beside: boolean): Promise<void> {
    const until = performance.now() + startSeconds * 1000;
    while (this.#up !== undefined) {
      if (performance.now() > until) this.#up.reject(this.#silent());
      await new Promise((resolve) => setTimeout(resolve, registerMilliseconds).unref());
      if (!beside && this.#up !== undefined && (await this.#there())) this.#isUp();
    }
  }

  /** Whether another process may run the same at the same time: one that has its listening socket. */
  get shared(): boolean {
    return this.#inherited !== undefined || this.#registered !== undefined || this.#own !== undefined;
  }

  get name(): string {
    return this.#facts.name;
  }

  /** A copy of the listening socket, the caller's; undefined: it is not known. */
  listening(): number | undefined {
    if (this.#own !== undefined) return duplicateFrom(this.#own, 10);
    return this.#registered === undefined ? undefined : this.#pool.listening(this.#registered);
  }

  /** Reads its files anew, where that is not the pool's to do. What the signal is to programs of others, we do not know. */
  reload(): void {
    if (this.#facts.name === "queue") this.#process?.kill("SIGHUP");
  }

  /** No more new starts. */
  leave(): void {
    this.#leaving = true;
  }

  /** The process ends: by force after `seconds`. */
  async end(signal: "SIGTERM" | "SIGQUIT" = "SIGTERM", seconds = drainSeconds): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    await gone;
    clearTimeout(late);
  }

  /** Waits until a client would be answered. Throws StartFailed when that takes too long. */
  async answers(): Promise<void> {
    const until = performance.now() + startSeconds * 1000;
    while (performance.now() < until && !this.#hooks.stop.aborted) {
      if (await this.#there()) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (!this.#hooks.stop.aborted) throw this.#silent();
  }

  /** Whether a client would be answered now. */
  async #there(): Promise<boolean> {
    const { listener, name } = this.#facts;
    if (listener !== undefined) {
      return greets(reachable(listener.host), listener.port, listener.tls === "implicit");
    }
    return name !== "queue" || accepts(join(this.#home, "queue", "socket"));
  }

  #silent(): StartFailed {
    const { name } = this.#facts;
    return new StartFailed(
      `${name}: does not answer${this.#lastLine && `; its last words: ${this.#lastLine}`}`,
    );
  }

  #run(): void {
    this.#startedAt = performance.now();
    const { script, env } = this.#facts;
    const [ours, theirs] = channelPair();
    const inherited = this.#inherited;
    this.#inherited = undefined;
    let child: ChildProcess;
    try {
      child = spawn("/bin/sh", [script], {
        cwd: this.#home,
        detached: true,
        stdio: ["ignore", "pipe", "pipe", theirs.stream, theirs.packets, inherited],
        env: {
          ...process.env,
          ACCEPTUTILS_STARTED_IN: undefined, // ours alone
          ...Object.fromEntries(env),
          ACCEPTUTILS_POOL: "3,4",
          ...(inherited !== undefined && { [listeningVariable]: "5" }),
        },
      });
    } catch (error) {
      // Variables that are too large are not even tried.
      closeEnd(ours);
      this.#lastLine = (error as Error).message;
      this.#hooks.log(this.#facts.name, this.#lastLine);
      void this.#ended();
      return;
    } finally {
      closeEnd(theirs);
      if (inherited !== undefined) closeSync(inherited);
    }
    this.#process = child;
    const said = new Set<string>();
    const channel = new Channel(ours);
    channel.onMessage = (message) => void this.#register(channel, message);
    for (const stream of [child.stdout, child.stderr]) {
      eachLine(stream!, (line) => {
        this.#lastLine = line.slice(0, mostShown);
        // What fails again and again for the same reason says so once.
        if (!this.#saidBefore.has(line)) this.#hooks.log(this.#facts.name, line);
        if (said.size < mostSaid) said.add(line);
      });
    }
    child.on("error", (error) => {
      this.#lastLine = error.message;
      void this.#ended();
    });
    // When the output has been read to its end, so that the last line is known.
    child.on("close", () => {
      const lived = performance.now() - this.#startedAt;
      this.#saidBefore = lived > livedMs ? new Set() : said;
      void this.#ended();
    });
    // A service that is no server of ours registers nothing: it is up when it runs.
    if (this.#facts.listener === undefined && inherited === undefined)
      child.once("spawn", () => this.#isUp());
  }

  #isUp(): void {
    this.#up?.resolve();
    this.#up = undefined;
  }

  async #register(channel: Channel, message: Received): Promise<void> {
    const { head, body, descriptors } = message;
    const [listening] = descriptors;
    if (head.kind === "serving") {
      // By itself: --native.
      this.#own = listening;
      this.#isUp();
    }
    if (head.kind !== "register" || listening === undefined) return;
    const id = this.#pool.nextService();
    const log = (text: Buffer) => {
      for (const line of text.toString("latin1").split("\n")) {
        if (line !== "") this.#hooks.log(this.#facts.name, line);
      }
    };
    this.#registered = id;
    try {
      const service = { ...(head["service"] as Service), id };
      await this.#pool.serve(service, listening, log, body.length > 0 ? body : undefined);
      channel.reply(message, {});
      this.#isUp();
    } catch (error) {
      this.#registered = undefined;
      channel.reply(message, { problem: (error as Error).message });
    }
  }

  async #ended(): Promise<void> {
    const id = this.#registered;
    this.#registered = undefined;
    if (this.#own !== undefined) closeSync(this.#own);
    this.#own = undefined;
    if (this.#leaving) return;
    if (this.#up !== undefined)
      this.#up.reject(new StartFailed(`service/${this.#facts.name}/run: ${this.#lastLine}`));
    if (id !== undefined) await this.#pool.release(id, drainSeconds);
    if (this.#leaving) return;
    const lived = performance.now() - this.#startedAt;
    this.#failures = lived > livedMs ? 1 : this.#failures + 1;
    setTimeout(
      () => {
        if (!this.#leaving) this.#run();
      },
      this.#failures <= 1 ? 0 : Math.min(longestPauseMs, 50 * 2 ** this.#failures),
    );
  }
}

function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("latin1");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
}
