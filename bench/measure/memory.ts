/** What a server holds in memory, idle and for each session that waits; and what a native program costs to start. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "../../tools/steps.ts";
import type { Door, Running } from "../contenders/contender.ts";
import { cpuSecondsOf, familyOf, pssKilobytesOf } from "./processes.ts";
import { startLoad } from "./sample.ts";

export const idleKilobytes = (server: Running) => pssKilobytesOf(familyOf(server.roots));

/** Kibibytes that one more idle session takes, of `sessions` that have said EHLO. */
export async function sessionKilobytes(
  server: Running,
  door: Door,
  tls: boolean,
  sessions: number,
): Promise<number> {
  const ehlo = { send: "EHLO client.example\r\n", expect: "250" };
  const plan = {
    host: "127.0.0.1",
    port: server.doors.get(door)!,
    implicitTls: false,
    steps: [
      { expect: "220" },
      ehlo,
      ...(tls ? [{ send: "STARTTLS\r\n", expect: "220" }, { tls: true } as const, ehlo] : []),
    ],
    messageOctets: 0,
    clients: sessions,
    seconds: 60,
    hold: true,
  };
  const before = idleKilobytes(server);
  const { child, lines } = startLoad(plan);
  const gone = once(child, "exit");
  await lines.next();
  const after = idleKilobytes(server);
  child.stdin.end("\n");
  const told = JSON.parse(String((await lines.next()).value ?? "null")) as {
    failures: number;
    firstFailure: string;
  };
  await gone;
  if (told.failures > 0) throw new Error(told.firstFailure);
  return (after - before) / sessions;
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
