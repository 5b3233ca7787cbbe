/** What a server holds in memory, idle and for each session that waits; and what a native program costs to start. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../../tools/steps.ts";
import type { Door } from "../contender/contender.ts";
import type { Step, Told } from "../load/plan.ts";
import { cpuSecondsOf, pssKilobytesOf, titleOf } from "./processes.ts";
import { Failed, type Served, startLoad } from "./sample.ts";

export const idleKilobytes = (server: Served) => pssKilobytesOf(server.group.pids());

/** Each process of a server by its title, and the kibibytes it takes; the largest first. */
export function processesOf(server: Served): { title: string; kilobytes: number }[] {
  const all = server.group.pids().map((pid) => ({ title: titleOf(pid), kilobytes: pssKilobytesOf([pid]) }));
  return all.filter(({ kilobytes }) => kilobytes > 0).sort((a, b) => b.kilobytes - a.kilobytes);
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

/** Milliseconds of CPU for qmail-smtpd as a process: greeting, QUIT, end. */
export function startMilliseconds(times = 10): number {
  const program = join(root, "build", "bin", "qmail-smtpd");
  const once = () => spawnSync(program, { input: "QUIT\r\n", stdio: ["pipe", "ignore", "ignore"] });
  once();
  const before = cpuSecondsOf([process.pid]);
  for (let at = 0; at < times; at++) once();
  return ((cpuSecondsOf([process.pid]) - before) / times) * 1000;
}
