/**
 * The load generator: reads a plan on descriptor 0 (one line of JSON), runs its sessions, so many at once, and writes
 * what came of it as one line of JSON.
 */
import { createInterface } from "node:readline";
import { messageOf } from "./message.ts";
import type { Plan, Told } from "./plan.ts";
import { Session } from "./session.ts";

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const plan = JSON.parse((await input.next()).value ?? "null") as Plan;
const message = messageOf(plan.messageOctets);
const failures: string[] = [];
const latencies: number[] = [];
const before = process.cpuUsage();
const started = performance.now();
const until = started + plan.seconds * 1000;
let begun = 0;
if (plan.hold) await hold();
else await Promise.all(Array.from({ length: plan.clients }, client));
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(before);
latencies.sort((a, b) => a - b);
const told: Told = {
  sessions: latencies.length,
  seconds,
  cpuSeconds: (user + system) / 1e6,
  latency: { median: quantile(0.5), p99: quantile(0.99) },
  failures: failures.length,
  firstFailure: failures[0],
};
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));

/** One session after the other, until the time is over. */
async function client(): Promise<void> {
  while (performance.now() < until && begun < (plan.sessions ?? Number.POSITIVE_INFINITY)) {
    begun += 1;
    await once();
    if (failures.length >= 10) return;
  }
}

async function once(): Promise<void> {
  const at = performance.now();
  const session = new Session(plan, message);
  try {
    if (plan.implicitTls) await session.startTls();
    await session.run(plan.steps);
    latencies.push(performance.now() - at);
  } catch (error) {
    failures.push(String(error));
  } finally {
    session.destroy();
  }
}

/** All sessions stay open after their last step, until somebody has looked at the server. */
async function hold(): Promise<void> {
  const sessions: Session[] = [];
  const open = async () => {
    while (sessions.length < plan.clients && failures.length === 0) {
      const session = new Session(plan, message);
      sessions.push(session);
      try {
        if (plan.implicitTls) await session.startTls();
        await session.run(plan.steps);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, open));
  process.stdout.write("open\n");
  await input.next();
  for (const session of sessions) session.destroy();
}

function quantile(part: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
}
