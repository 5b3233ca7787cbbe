/** Starting a server: in its group, on the server's core, with its words in a log; it is there when its ports answer. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Group } from "../measure/group.ts";
import type { Place } from "./contender.ts";

/** Server and load have a core each, if there are two. */
export const cores = availableParallelism() > 1 && has("taskset") ? { server: "0", load: "1" } : undefined;

/** True when there is such a program. */
export function has(program: string): boolean {
  const path = `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin`;
  return spawnSync("/bin/sh", ["-c", `PATH="${path}" command -v "$1"`, "sh", program]).status === 0;
}

/** The words that run `argv` on one core. */
export function pinned(argv: readonly string[], core: "server" | "load"): string[] {
  return cores === undefined ? [...argv] : ["taskset", "-c", cores[core], ...argv];
}

export interface How {
  readonly env?: NodeJS.ProcessEnv;
  /** Its log: `log` unless it has a name of its own. */
  readonly log?: string;
  /** Of its place; the measured one unless said otherwise. */
  readonly group?: Group;
}

/** From the start of a server's first process until it answers. */
export interface ColdStart {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
}

const starts = new WeakMap<Place, { readonly at: number; cold?: ColdStart }>();

/** To be called when it answers. */
export function answered(place: Place): void {
  const start = starts.get(place);
  if (start === undefined) return;
  const milliseconds = performance.now() - start.at;
  start.cold = { milliseconds, cpuMilliseconds: place.group.cpuSeconds() * 1000 };
}

export const coldStartOf = (place: Place): ColdStart | undefined => starts.get(place)?.cold;

/** Starts a first process; its standard output can be read. */
export function startServer(place: Place, argv: readonly string[], how: How = {}): ChildProcess {
  const group = how.group ?? place.group;
  const [command = "", ...words] = group.member(pinned(argv, "server"));
  if (group === place.group && !starts.has(place)) starts.set(place, { at: performance.now() });
  const log = openSync(join(place.folder, how.log ?? "log"), "a");
  const env = how.env ?? process.env;
  const child = spawn(command, words, {
    stdio: ["ignore", "pipe", log],
    detached: true,
    env,
    cwd: place.folder,
  });
  closeSync(log);
  if (child.pid !== undefined) group.adopt(child.pid);
  child.unref();
  return child;
}

/** Starts a server that listens on these ports, and waits until it does. Throws with its last words when it ends. */
export async function serve(
  place: Place,
  argv: readonly string[],
  ports: readonly number[],
  how: How = {},
): Promise<void> {
  const child = startServer(place, argv, how);
  child.stdout?.resume();
  let failed: Error | undefined;
  child.on("error", (error) => {
    failed = error;
  });
  for (const port of ports) {
    for (let tries = 0; !(await answers(port)); tries++) {
      if (failed !== undefined) throw failed;
      if (child.exitCode !== null || tries > 2000) throw new Error(`did not start: ${lastWords(place, how)}`);
      await pause(10);
    }
  }
  answered(place);
}

function lastWords({ folder }: Place, { log = "log" }: How): string {
  const file = join(folder, log);
  const words = existsSync(file) ? readFileSync(file, "latin1").trim() : "";
  return words.slice(-300).replace(/\s+/g, " ") || "it said nothing";
}

const greetingMs = 2000;

/** True when whoever connects is greeted. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (greeted: boolean) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.setTimeout(greetingMs, () => end(false));
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}

/** Ports that nobody uses at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening(0)));
  const ports = servers.flatMap((server) =>
    server === undefined ? [] : (server.address() as { port: number }).port,
  );
  for (const server of servers) server?.close();
  return ports;
}

/** The first number of ports at these distances that nobody uses at this moment. */
export async function freePortBase(offsets: readonly number[]): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const base = 20_000 + Math.floor(Math.random() * 12_000);
    const servers = await Promise.all(offsets.map((offset) => listening(base + offset)));
    for (const server of servers) server?.close();
    if (!servers.includes(undefined)) return base;
  }
  throw new Error("no free ports");
}

function listening(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
