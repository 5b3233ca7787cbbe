/** The fronts that a listener hands its connections to: each session goes to the one that has the fewest. */
import type { Socket } from "node:net";
import { duplicateFrom } from "../native.ts";
import { fdOf } from "../stream.ts";
import type { Ended, Facts } from "../system.ts";
import type { Channel, Head } from "./channel.ts";
import type { Room } from "./descriptors.ts";
import type { Earlier } from "./listener.ts";
import type { LogLines } from "./log-lines.ts";
import type { Admitted } from "./run-session.ts";
import type { Service } from "./service.ts";
import { SessionRecord } from "./session-record.ts";

/** What a front says of a session that it had before we came. */
interface Told {
  readonly pid: number;
  readonly service: number;
  readonly remoteIp: string;
}

interface Session {
  readonly record: SessionRecord;
  end(how: Ended): void;
}

interface Front {
  readonly channel: Channel;
  /** For how many sessions it has descriptors. */
  readonly most: number;
  readonly sessions: Map<number, Session>;
}

/** How a session ends that could not be handed over, and one whose front is gone. */
const notServed: Ended = { code: 111 };
const killed: Ended = { signal: "SIGKILL" };

export class Fronts implements Room {
  readonly #fronts = new Set<Front>();
  /** By service: sessions of listeners before us. */
  readonly #earlier = new Map<number, Earlier[]>();
  readonly #waiting = new Set<() => void>();
  #joined = Promise.withResolvers<void>();
  #sessions = 0;

  /** The master has joined us with a front, which speaks first; `log` takes what its sessions say. */
  join(channel: Channel, log: LogLines): void {
    let front: Front | undefined;
    channel.onMessage = ({ head, body }) => {
      if (head.kind === "room" && front === undefined) front = this.#welcome(channel, head);
      else if (head.kind === "ended" && front !== undefined) ended(front, head);
      else if (head.kind === "log") log.pass(Number(head["service"]), body);
    };
    channel.onClose = () => {
      if (front === undefined) return;
      this.#fronts.delete(front);
      for (const { end } of front.sessions.values()) end(killed);
    };
  }

  /** Resolves to the sessions of a service that are under way, when there are `count` fronts. */
  async complete(service: number, count: number): Promise<readonly Earlier[]> {
    while (this.#fronts.size < count) await this.#joined.promise;
    const earlier = this.#earlier.get(service) ?? [];
    this.#earlier.delete(service);
    return earlier;
  }

  /** Hands the connection over; resolves when its session has ended. */
  async run(service: Service, { client, env, pid, host, record }: Admitted): Promise<Ended> {
    const front = await this.#leastBusy();
    let connection: number;
    try {
      connection = duplicateFrom(descriptorOf(client.socket!), 3);
    } catch {
      return notServed; // the client is gone, or there are no descriptors
    }
    const remoteIp = client.socket!.remoteAddress ?? "";
    const ended = new Promise<Ended>((end) => front.sessions.set(pid, { record, end }));
    const head = { kind: "session", service: service.id, pid, host, remoteIp, env: [...env.changes] };
    front.channel.send(head, undefined, [connection]);
    client.socket!.destroy(); // our copy
    client.socket = undefined;
    return ended;
  }

  /** Ends all sessions of a service. */
  cut(service: number): void {
    for (const { channel } of this.#fronts) channel.send({ kind: "cut", service });
  }

  get most(): number {
    let most = 0;
    for (const front of this.#fronts) most += front.most;
    return most;
  }

  take(again: () => void): boolean {
    this.#sessions += 1;
    if (this.#sessions < this.most) return true;
    this.#waiting.add(again);
    return false;
  }

  give(): void {
    this.#sessions -= 1;
    this.#wake();
  }

  #wake(): void {
    if (this.#sessions >= this.most) return;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const again of all) again();
  }

  #welcome(channel: Channel, { most, sessions }: Head): Front {
    const front: Front = { channel, most: Number(most), sessions: new Map() };
    this.#fronts.add(front);
    for (const { pid, service, remoteIp } of sessions as readonly Told[]) {
      const record = new SessionRecord();
      const ended = new Promise<Ended>((end) => front.sessions.set(pid, { record, end }));
      const earlier = this.#earlier.get(service) ?? [];
      earlier.push({ pid, remoteIp, record, ended });
      this.#earlier.set(service, earlier);
    }
    this.#joined.resolve();
    this.#joined = Promise.withResolvers();
    this.#wake();
    return front;
  }

  /** A client that was let in waits while all fronts are away. */
  async #leastBusy(): Promise<Front> {
    for (;;) {
      let least: Front | undefined;
      for (const front of this.#fronts) {
        const room = front.sessions.size < front.most;
        if (room && (least === undefined || front.sessions.size < least.sessions.size)) least = front;
      }
      if (least !== undefined) return least;
      await this.#joined.promise;
    }
  }
}

function ended({ sessions }: Front, head: Head): void {
  const pid = Number(head["pid"]);
  const session = sessions.get(pid);
  sessions.delete(pid);
  session?.record.add(head["facts"] as Facts);
  const { signal, code } = head;
  session?.end(typeof signal === "string" ? { signal } : { code: Number(code) });
}

/** Throws when the client is gone. */
function descriptorOf(socket: Socket): number {
  const fd = fdOf(socket) ?? -1;
  if (fd < 0) throw new RangeError("closed");
  return fd;
}
