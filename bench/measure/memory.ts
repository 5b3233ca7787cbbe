/** What a server holds in memory, idle and for each session that waits. */
import { type Held, whileHeld } from "./held.ts";
import { pssKilobytesOf, titleOf } from "./processes.ts";
import type { Served } from "./sample.ts";

export const idleKilobytes = (server: Served) => pssKilobytesOf(server.group.pids());

/** Kibibytes of a server's processes by title, those of the same title together; the largest first. */
export function processesOf(server: Served): [title: string, kilobytes: number][] {
  const found = new Map<string, number>();
  for (const pid of server.group.pids()) {
    const title = titleOf(pid);
    found.set(title, (found.get(title) ?? 0) + pssKilobytesOf([pid]));
  }
  return [...found].filter(([, kilobytes]) => kilobytes > 0).sort(([, a], [, b]) => b - a);
}

/** Sessions that have come and wait. */
export interface Waiting {
  /** Kibibytes that each took when the last had come. */
  readonly come: number;
  /** Kibibytes that each takes by now; then they end. Throws Failed. */
  leave(): Promise<number>;
}

/** So many `sessions` come to a server that is idle, and has rested. Throws Failed. */
export function comeAndWait(held: Held, server: Served, sessions: number): Promise<Waiting> {
  const arrived = Promise.withResolvers<Waiting>();
  const told = Promise.withResolvers<void>();
  const idle = idleKilobytes(server);
  const each = () => (idleKilobytes(server) - idle) / sessions;
  const gone = whileHeld(held, server, sessions, async () => {
    const leave = () => {
      told.resolve();
      return gone;
    };
    arrived.resolve({ come: each(), leave });
    await told.promise;
    return each();
  });
  gone.catch(arrived.reject);
  return arrived.promise;
}
