/** What a server holds in memory, idle and for each session that waits. */
import type { Door } from "../contender/contender.ts";
import type { Step, Told } from "../load/plan.ts";
import { pssKilobytesOf, titleOf } from "./processes.ts";
import { Failed, type Served, startLoad } from "./sample.ts";

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

/** Kibibytes that each of `sessions` takes which came to an idle server and stay after these steps. Throws Failed. */
export async function sessionKilobytes(
  server: Served & { readonly idleKilobytes: number },
  door: Door,
  steps: readonly Step[],
  sessions: number,
): Promise<number> {
  const plan = {
    host: "127.0.0.1",
    port: server.doors.get(door)!,
    implicitTls: false,
    steps,
    messageOctets: 0,
    clients: sessions,
    seconds: 60,
    hold: true,
  };
  const { child, lines, gone } = startLoad(plan);
  await lines.next();
  const after = idleKilobytes(server);
  child.stdin.end("\n");
  const told = JSON.parse(String((await lines.next()).value ?? "null")) as Told | null;
  await gone;
  if (told === null || told.failures > 0)
    throw new Failed(told?.firstFailure ?? "the load generator fell over");
  return (after - server.idleKilobytes) / sessions;
}
