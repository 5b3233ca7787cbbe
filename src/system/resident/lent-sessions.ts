/** Sessions of this front whose clients a listener in another process has let in. It may die; they go on. */
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { closes, socketOf } from "../stream.ts";
import type { Ended } from "../system.ts";
import { Channel, type ChannelEnd, type Received } from "./channel.ts";
import { descriptors } from "./descriptors.ts";
import type { LogLines } from "./log-lines.ts";
import type { Admitted, Client } from "./run-session.ts";
import type { Service } from "./service.ts";
import { environmentFor } from "./session-environment.ts";
import { SessionRecord } from "./session-record.ts";

type Run = (admitted: Admitted) => Promise<Ended>;

interface Served {
  readonly service: Service;
  readonly run: Run;
}

interface Session {
  readonly service: number;
  readonly remoteIp: string;
  readonly client: Client;
}

export class LentSessions {
  readonly #sessions = new Map<number, Session>();
  /** What runs the sessions of a service: it may be known only after the first of them has come. */
  readonly #services = new Map<number, PromiseWithResolvers<Served>>();
  readonly #log: LogLines;
  #listener: Channel | undefined;

  constructor(log: LogLines) {
    this.#log = log;
  }

  /** undefined: there is none. */
  get listener(): Channel | undefined {
    return this.#listener?.closed === false ? this.#listener : undefined;
  }

  /** How the sessions of a service are to run from now on. */
  serve(service: Service, run: Run): void {
    this.#service(service.id).resolve({ service, run });
  }

  forget(service: number): void {
    this.#services.delete(service);
  }

  /** There is a listener, or another one. It is told what there is. */
  join(end: ChannelEnd): void {
    const channel = new Channel(end, 1);
    channel.onMessage = (message) => {
      const { head } = message;
      if (head.kind === "session") void this.#session(message);
      else if (head.kind === "cut") this.#cut(Number(head["service"]));
    };
    const sessions = [...this.#sessions].map(([pid, { service, remoteIp }]) => ({ pid, service, remoteIp }));
    channel.send({ kind: "room", most: descriptors().most, sessions });
    this.#listener = channel;
  }

  #service(id: number): PromiseWithResolvers<Served> {
    let known = this.#services.get(id);
    if (known === undefined) {
      known = Promise.withResolvers();
      this.#services.set(id, known);
    }
    return known;
  }

  async #session({ head, descriptors: [fd] }: Received): Promise<void> {
    const { pid, service: id, remoteIp, host } = head as unknown as Session & { pid: number; host?: string };
    if (fd === undefined) {
      // The kernel keeps what we have no room for.
      this.#listener?.send({ kind: "ended", pid, code: 111, facts: {} });
      return;
    }
    const socket = socketOf(fd);
    socket.on("error", closes);
    const client: Client = { socket };
    this.#sessions.set(pid, { service: id, remoteIp, client });
    const { service, run } = await this.#service(id).promise;
    const env = environmentFor(service);
    const changes = head["env"] as readonly [string, string | null][];
    applyBlock(env, new Map(changes.map(([name, value]) => [name, value ?? undefined])));
    const record = new SessionRecord();
    const ended = await run({ client, env, pid, host, record });
    client.socket?.destroySoon();
    this.#sessions.delete(pid);
    this.#log.flush();
    this.#listener?.send({ kind: "ended", pid, ...ended, facts: record.facts() });
  }

  #cut(service: number): void {
    for (const session of this.#sessions.values())
      if (session.service === service) session.client.socket?.destroy();
  }
}
