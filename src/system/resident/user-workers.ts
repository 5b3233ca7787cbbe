/** The user workers that a front knows, and how it gives a session to one. */
import { duplicateFrom } from "../native.ts";
import { type Ended, type Facts, type System, TlsFailed } from "../system.ts";
import type { Channel } from "./channel.ts";

export class UserWorkers {
  readonly #master: Channel;
  readonly #known = new Map<number, Promise<Channel | undefined>>();
  readonly #waiting = new Map<number, (channel: Channel | undefined) => void>();

  constructor(master: Channel) {
    this.#master = master;
  }

  /** The master has joined us with a worker. */
  joined(id: number, channel: Channel): void {
    channel.onClose = () => this.#known.delete(id);
    this.#answer(id, channel);
  }

  /** The master has no such worker any more: it may die while a ticket for it is on its way. */
  gone(id: number): void {
    this.#known.delete(id);
    this.#answer(id, undefined);
  }

  #answer(id: number, channel: Channel | undefined): void {
    this.#waiting.get(id)?.(channel);
    this.#waiting.delete(id);
  }

  /**
   * Gives the session's connection to a worker that holds the ticket for it, with what the session says of itself; resolves
   * when the session has ended.
   */
  async run(id: number, ticket: string, env: readonly string[], system: System): Promise<Ended> {
    const channel = await this.#channel(id);
    const { fd } = system.input(0);
    if (fd === undefined) throw new TlsFailed("not a connection");
    await system.output(1).flush();
    system.record({ user: system.env.get("AUTHUP_USER") ?? "" });
    const answer = await channel?.ask({ kind: "session", ticket, env }, undefined, [duplicateFrom(fd, 3)]);
    if (answer === undefined) return { signal: "SIGKILL" }; // the worker is gone, and the session with it
    const { code, signal, facts } = answer.head;
    system.record(facts as Facts);
    return typeof signal === "string" ? { signal } : { code: Number(code) };
  }

  #channel(id: number): Promise<Channel | undefined> {
    let channel = this.#known.get(id);
    if (channel === undefined) {
      channel = new Promise((resolve) => this.#waiting.set(id, resolve));
      this.#known.set(id, channel);
      this.#master.send({ kind: "join", id });
    }
    return channel;
  }
}
