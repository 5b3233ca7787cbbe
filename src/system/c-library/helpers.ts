/**
 * Processes that do for us what would block, one deed at a time each. There are only so many of them, one that takes
 * too long is killed, and those that have nothing to do go.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Unable } from "../../auth/backend.ts";
import { Channel, channelPair, closeEnd } from "../resident/channel.ts";
import type { WorkerFacts } from "../resident/service.ts";
import type { Deed, Outcome } from "./deeds.ts";

export interface HelpersLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** For one deed. */
  readonly seconds: number;
  readonly idleSeconds: number;
  /** The first file of this program, where it is not the one we were started with. */
  readonly entry?: string;
  /** For `ps`. */
  readonly title?: string;
}

interface Helper {
  readonly process: ChildProcess;
  readonly channel: Channel;
  idle: NodeJS.Timeout | undefined;
}

export class Helpers {
  readonly #limits: HelpersLimits;
  readonly #idle: Helper[] = [];
  #running = 0;
  readonly #waiting: ((helper: Helper | undefined) => void)[] = [];
  #closed = false;

  constructor(limits: HelpersLimits) {
    this.#limits = limits;
  }

  /**
   * The secret is the caller's to wipe; descriptors are closed here. Throws Unable: too many wait, it took too long, the
   * helper has crashed.
   */
  async perform(deed: Deed, secret?: Uint8Array, descriptors: readonly number[] = []): Promise<Outcome> {
    const helper = await this.#take().catch((error: unknown) => {
      for (const fd of descriptors) closeSync(fd);
      throw error;
    });
    const { seconds } = this.#limits;
    const late = setTimeout(() => helper.process.kill("SIGKILL"), seconds * 1000);
    const started = performance.now();
    const answer = await helper.channel.ask({ kind: "deed", deed }, secret, descriptors);
    clearTimeout(late);
    this.#give(helper);
    if (answer !== undefined) return answer.head["outcome"] as Outcome;
    const why =
      performance.now() - started >= seconds * 1000 ? `took longer than ${seconds} seconds` : "crashed";
    throw new Unable(`${deed.do}: a helper ${why}`);
  }

  close(): void {
    this.#closed = true;
    for (const helper of this.#idle.splice(0)) this.#dismiss(helper);
  }

  async #take(): Promise<Helper> {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      clearTimeout(idle.idle);
      return idle;
    }
    if (this.#running < this.#limits.atOnce) {
      this.#running += 1;
      return this.#start();
    }
    if (this.#waiting.length >= this.#limits.waiting) throw new Unable("too many passwords to check");
    const given = await new Promise<Helper | undefined>((resolve) => {
      this.#waiting.push(resolve);
    });
    return given ?? this.#start();
  }

  /** To the next who waits; one that is gone is replaced when somebody needs it. */
  #give(helper: Helper): void {
    const next = this.#waiting.shift();
    if (helper.channel.closed || this.#closed) {
      this.#dismiss(helper);
      if (next === undefined) this.#running -= 1;
      else next(undefined);
    } else if (next !== undefined) {
      next(helper);
    } else {
      helper.idle = setTimeout(() => this.#rest(helper), this.#limits.idleSeconds * 1000).unref();
      this.#idle.push(helper);
    }
  }

  #rest(helper: Helper): void {
    const at = this.#idle.indexOf(helper);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#running -= 1;
    this.#dismiss(helper);
  }

  #dismiss(helper: Helper): void {
    clearTimeout(helper.idle);
    helper.channel.close();
  }

  #start(): Helper {
    const [ours, theirs] = channelPair();
    const facts: WorkerFacts = {
      kind: "helper",
      title: this.#limits.title ?? "acceptutils: password helper",
    };
    const run = process.env["ACCEPTUTILS_TEST_RUN"];
    const entry = this.#limits.entry ?? process.argv[1]!;
    const child = spawn(process.execPath, [...process.execArgv, entry, "worker", facts.kind], {
      stdio: ["ignore", "ignore", 2, theirs.stream, theirs.packets],
      detached: true,
      env: {
        PATH: process.env["PATH"],
        ...(run !== undefined && { ACCEPTUTILS_TEST_RUN: run }),
        ACCEPTUTILS_WORKER: JSON.stringify(facts),
      },
    });
    closeEnd(theirs);
    const helper: Helper = { process: child, channel: new Channel(ours), idle: undefined };
    child.on("error", () => helper.channel.close());
    child.on("exit", () => helper.channel.close());
    // One that dies while it rests makes room for another.
    helper.channel.onClose = () => this.#rest(helper);
    helper.channel.unref();
    child.unref();
    return helper;
  }
}

/** What such a process does. It sees one question at a time. */
export async function helperWorker(master: Channel): Promise<void> {
  const { perform } = await import("./deeds.ts");
  master.onMessage = (message) => {
    const outcome = perform(message.head["deed"] as Deed, message.body, message.descriptors[0]);
    message.body.fill(0);
    for (const fd of message.descriptors) closeSync(fd);
    master.reply(message, { outcome });
  };
}
