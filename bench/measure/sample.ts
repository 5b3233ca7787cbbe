/** One sample of one figure: some seconds of load on a server, and what they cost it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pinned, type Running } from "../contenders/contender.ts";
import type { Figure } from "../figures.ts";
import type { Plan, Told } from "../load/plan.ts";
import { cpuSecondsOf, familyOf } from "./processes.ts";

export interface Sample {
  /** In the figure's unit. */
  readonly value: number;
  readonly sessionsPerSecond: number;
  /** Milliseconds. */
  readonly latency: Told["latency"];
  /** Of one core. */
  readonly loadBusy: number;
  readonly serverBusy: number;
}

/** Something went wrong in the conversation; what the load generator said of it. */
export class Failed extends Error {
  override readonly name = "Failed";
}

/** Takes one sample. Throws Failed. */
export async function sampleOf(figure: Figure, server: Running, seconds: number): Promise<Sample> {
  const before = cpuSecondsOf(familyOf(server.roots));
  const told = await load(planOf(figure, server, { seconds }));
  const cpu = cpuSecondsOf(familyOf(server.roots)) - before;
  const things = told.sessions * figure.each;
  return {
    value: inUnit(figure, cpu, things),
    sessionsPerSecond: told.sessions / told.seconds,
    latency: told.latency,
    loadBusy: told.cpuSeconds / told.seconds,
    serverBusy: cpu / told.seconds,
  };
}

export function planOf(
  figure: Figure,
  server: Running,
  limits: { seconds: number; sessions?: number },
): Plan {
  const port = server.doors.get(figure.door);
  if (port === undefined) throw new Failed(`it has no ${figure.door}`);
  return {
    host: "127.0.0.1",
    port,
    implicitTls: false,
    steps: figure.steps(server),
    messageOctets: figure.messageOctets,
    clients: figure.clients,
    ...limits,
  };
}

/** Runs the load generator. Throws Failed when a single session went wrong. */
export async function load(plan: Plan): Promise<Told> {
  const { child, lines } = startLoad(plan);
  const gone = once(child, "exit");
  const { value } = await lines.next();
  await gone;
  const told = JSON.parse(String(value ?? "null")) as Told | null;
  if (told === null) throw new Failed("the load generator fell over");
  if (told.failures > 0 || told.sessions === 0)
    throw new Failed(`${told.failures} failures: ${told.firstFailure}`);
  return told;
}

export function startLoad(plan: Plan) {
  const [command = "", ...words] = pinned(
    [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "..", "load", "main.ts"),
    ],
    "load",
  );
  const child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.write(`${JSON.stringify(plan)}\n`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, lines };
}

function inUnit({ unit }: Figure, cpuSeconds: number, things: number): number {
  if (unit === "per CPU second") return things / cpuSeconds;
  return (cpuSeconds / things) * (unit === "ms CPU" ? 1e3 : 1e6);
}
