/** Where deliveries are made: processes that are kept for a while, one for each user and one for the world. */
import { type Frame, FrameReader, frameBytes, framesBytes, kind } from "../../protocol/queue/frames.ts";
import { parseReport, type Report } from "../../protocol/queue/job.ts";
import { Closed, type Input, type Output } from "../../system/system.ts";

/** A local user with a mailbox. */
export interface Mailbox {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Absolute. */
  readonly home: string;
}

/** Finds users and starts processes for them; what root alone may do, when there is a root. */
export interface Agents {
  /** The mailbox of user `name`; undefined when there is none. */
  find(name: string): Promise<Mailbox | undefined>;
  /** The two ends of a new qmail-local that runs as the user. */
  startLocal(mailbox: Mailbox): Promise<{ input: Input; output: Output }>;
  /** The same of a new qmail-remote. */
  startRemote(): Promise<{ input: Input; output: Output }>;
}

/** What became of a job. */
export interface Outcome extends Report {
  /** Something of ours failed or ended before it could tell: the delivery may have been made. */
  readonly crashed: boolean;
  /** The queue knows about the outcome. */
  forget(): void;
}

/** A message's octets: all there is, or as they are read. */
export type Content = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** One process of qmail-local or qmail-remote, doing any number of jobs at once. */
export class Agent {
  readonly #input: Input;
  readonly #output: Output;
  readonly #name: string;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #unforgotten = 0;
  #gone = false;
  #idleSince: number | undefined;

  constructor(name: string, { input, output }: { input: Input; output: Output }) {
    this.#name = name;
    this.#input = input;
    this.#output = output;
    void this.#listen();
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Since when there was nothing to do, in milliseconds; undefined when there is. */
  get idleSince(): number | undefined {
    return this.#waiting.size === 0 && this.#unforgotten === 0 ? this.#idleSince : undefined;
  }

  /** Does one job; `id` is its number, unlike any other's. Never throws. */
  async deliver(id: number, job: Uint8Array, content: Content): Promise<Outcome> {
    if (this.#gone) return this.#crashed();
    const outcome = new Promise<Outcome>((resolve) => this.#waiting.set(id, resolve));
    try {
      if (isComplete(content)) {
        const frames = framesBytes(id, [
          [kind.job, [job]],
          [kind.content, content],
          [kind.end, []],
        ]);
        await this.#output.write(frames);
      } else {
        await this.#output.write(frameBytes(kind.job, id, job));
        for await (const chunk of content) await this.#output.write(frameBytes(kind.content, id, chunk));
        await this.#output.write(frameBytes(kind.end, id));
      }
    } catch (error) {
      if (!(error instanceof Closed)) this.#abort(id, error);
    }
    return outcome;
  }

  /** No more jobs: the process ends by itself. */
  close(): void {
    this.#output.close();
  }

  /** The content could not be read: the job does not come about. */
  #abort(id: number, error: unknown): void {
    this.#tell(kind.abort, id);
    const text = `Unable to read message: ${error instanceof Error ? error.message : String(error)} (#4.3.0)\n`;
    this.#settle(id, { how: "deferral", text, crashed: false, forget: () => {} });
  }

  async #listen(): Promise<void> {
    const reader = new FrameReader();
    try {
      for (;;) {
        const chunk = await this.#input.read();
        if (chunk === null) break;
        for (const frame of reader.push(chunk)) this.#hear(frame);
      }
    } catch {
      // It does not speak our language, or is gone: the same for those who wait.
    }
    this.#gone = true;
    this.#input.close();
    this.#output.close();
    for (const id of [...this.#waiting.keys()]) this.#settle(id, this.#crashed());
  }

  #hear({ kind: what, id, payload }: Frame): void {
    if (what !== kind.verdict || !this.#waiting.has(id)) return;
    this.#unforgotten++;
    this.#settle(id, { ...parseReport(payload), crashed: false, forget: () => this.#forget(id) });
  }

  #forget(id: number): void {
    this.#unforgotten--;
    this.#idleSince = performance.now();
    this.#tell(kind.forget, id);
  }

  /** Says something that does not matter any more when the process is gone. */
  #tell(what: number, id: number): void {
    try {
      this.#output.write(frameBytes(what, id))?.catch(() => {});
    } catch (error) {
      if (!(error instanceof Closed)) throw error;
    }
  }

  #settle(id: number, outcome: Outcome): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#idleSince = performance.now();
    resolve?.(outcome);
  }

  #crashed(): Outcome {
    return { how: "deferral", text: `${this.#name} crashed. (#4.3.0)\n`, crashed: true, forget: () => {} };
  }
}

function isComplete(content: Content): content is readonly Uint8Array[] {
  return Array.isArray(content);
}

const idleMs = 30_000;

/** The processes that are kept, by a key: a uid, or "remote". */
export class AgentPool {
  readonly #agents = new Map<string, Promise<Agent>>();

  /** The agent for `key`, started when there is none. Throws what `start` throws. */
  async get(
    key: string,
    name: string,
    start: () => Promise<{ input: Input; output: Output }>,
  ): Promise<Agent> {
    const there = this.#agents.get(key);
    if (there !== undefined) {
      const agent = await there;
      if (!agent.gone) return agent;
      if (this.#agents.get(key) === there) this.#agents.delete(key);
      return this.get(key, name, start);
    }
    const starting = start().then((ends) => new Agent(name, ends));
    this.#agents.set(key, starting);
    starting.catch(() => this.#agents.delete(key));
    return starting;
  }

  /** Lets go of those that had nothing to do for half a minute. */
  async sweep(): Promise<void> {
    for (const [key, starting] of this.#agents) {
      const agent = await starting.catch(() => undefined);
      const since = agent?.idleSince;
      if (agent === undefined || since === undefined || since + idleMs > performance.now()) continue;
      this.#agents.delete(key);
      agent.close();
    }
  }

  async close(): Promise<void> {
    for (const starting of this.#agents.values()) (await starting.catch(() => undefined))?.close();
    this.#agents.clear();
  }
}
