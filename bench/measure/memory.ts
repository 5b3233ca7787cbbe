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

/** Kibibytes that each of `sessions` takes which came to an idle server and stay. Throws Failed. */
export async function sessionKilobytes(
  held: Held,
  server: Served & { readonly idleKilobytes: number },
  sessions: number,
): Promise<number> {
  const after = await whileHeld(held, server, sessions, () => idleKilobytes(server));
  return (after - server.idleKilobytes) / sessions;
}
