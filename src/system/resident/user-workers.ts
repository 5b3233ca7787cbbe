/** The user workers that a front knows, and how it gives a session to one. */
import { duplicateFrom } from "../native.ts";
import { type Ended, type Facts, type System, TlsFailed } from "../system.ts";
import type { Channel, Received } from "./channel.ts";
import { type Said, Telling } from "./said.ts";

/** What a worker needs to take a session. */
interface Admitted {
  readonly ticket: string;
  /** Its number. */
  readonly service: number;
  readonly said: Said;
}

interface Worker {
  readonly channel: Channel;
  readonly telling: Telling;
}

export class UserWorkers {
  readonly #master: Channel;
  readonly #known = new Map<number, Promise<Worker | undefined>>();
  readonly #waiting = new Map<number, (worker: Worker | undefined) => void>();

  constructor(master: Channel) {
    this.#master = master;
  }

  /** The master has joined us with a worker. */
  joined(id: number, channel: Channel): void {
    channel.onClose = () => this.#known.delete(id);
    this.#answer(id, { channel, telling: new Telling() });
  }

  /** The master has no such worker any more: it may die while a ticket for it is on its way. */
  gone(id: number): void {
    this.#known.delete(id);
    this.#answer(id, undefined);
  }

  #answer(id: number, worker: Worker | undefined): void {
    this.#waiting.get(id)?.(worker);
    this.#waiting.delete(id);
  }

  /** Gives a session's connection to a worker that holds the ticket for it; resolves when the session has ended. */
  run(id: number, admitted: Admitted, system: System): Promise<Ended> {
    // What was told is not kept until then.
    return this.#handOver(id, admitted, system).then((answer) => {
      if (answer === undefined) return gone;
      const { code, signal, facts } = answer.head;
      system.record(facts as Facts);
      return typeof signal === "string" ? { signal } : { code: Number(code) };
    });
  }

  /** Undefined when the worker is gone. */
  async #handOver(
    id: number,
    { ticket, service, said }: Admitted,
    system: System,
  ): Promise<Received | undefined> {
    const worker = await this.#worker(id);
    const { fd } = system.input(0);
    if (fd === undefined) throw new TlsFailed("not a connection");
    await system.output(1).flush();
    system.record({ user: system.env.get("AUTHUP_USER") ?? "" });
    if (worker === undefined) return undefined;
    const connection = duplicateFrom(fd, 3);
    const head = { kind: "session", ticket, service, ...worker.telling.tell(service, said) };
    return worker.channel.ask(head, undefined, [connection]);
  }

  #worker(id: number): Promise<Worker | undefined> {
    let worker = this.#known.get(id);
    if (worker === undefined) {
      worker = new Promise((resolve) => this.#waiting.set(id, resolve));
      this.#known.set(id, worker);
      this.#master.send({ kind: "join", id });
    }
    return worker;
  }
}

/** How a session ends whose worker is gone. */
const gone: Ended = { signal: "SIGKILL" };
