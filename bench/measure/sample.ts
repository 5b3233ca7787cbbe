/** One sample of one figure: some seconds of load on a server, and what they cost it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Running } from "../contender/contender.ts";
import { pinned } from "../contender/serve.ts";
import type { Figure } from "../figures.ts";
import { planOctets } from "../load/encode.ts";
import { generator } from "../load/generator.ts";
import type { Plan, Told } from "../load/plan.ts";
import type { Group } from "./group.ts";

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

/** A running server and its processes. */
export interface Served extends Running {
  readonly group: Group;
}

/** Something went wrong in the conversation; what the load generator said of it. */
export class Failed extends Error {
  override readonly name = "Failed";
}

/** Takes one sample. Throws Failed. */
export async function sampleOf(figure: Figure, server: Served, seconds: number): Promise<Sample> {
  const before = server.group.cpuSeconds();
  const told = await load(planOf(figure, server, { seconds }));
  const cpu = server.group.cpuSeconds() - before;
  return {
    value: inUnit(figure, cpu, told),
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
    clients: Math.min(figure.clients, server.clientsAtMost ?? figure.clients),
    ...limits,
  };
}

/** Runs the load generator. Throws Failed when a single session went wrong. */
export async function load(plan: Plan): Promise<Told> {
  const told = await toldBy(startLoad(plan));
  if (told.sessions === 0) throw new Failed("no session ended");
  return told;
}

/** What came of it in the end. Throws Failed when a single session went wrong. */
export async function toldBy({ lines, gone }: ReturnType<typeof startLoad>): Promise<Told> {
  const { value } = await lines.next();
  await gone;
  const told = JSON.parse(String(value ?? "null")) as Told | null;
  if (told === null) throw new Failed("the load generator fell over");
  if (told.failures > 0) throw new Failed(told.firstFailure ?? "a session failed");
  return told;
}

const underWay = new Set<ChildProcess>();

/** Ends whatever load there is. */
export function endLoad(): void {
  for (const child of underWay) child.kill("SIGKILL");
}

export function startLoad(plan: Plan) {
  const [command = "", ...words] = pinned([generator()], "load");
  const child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
  underWay.add(child);
  const gone = once(child, "exit").then(() => underWay.delete(child));
  child.stdin.on("error", () => {}); // it was ended before it had read all
  child.stdin.write(planOctets(plan));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, lines, gone };
}

function inUnit({ unit, each }: Figure, cpuSeconds: number, { sessions, seconds }: Told): number {
  const things = sessions * each;
  if (unit === "per second") return things / seconds;
  if (unit === "per CPU second") return things / cpuSeconds;
  return (cpuSeconds / things) * (unit === "ms CPU" ? 1e3 : 1e6);
}
