/** A server that is measured: ours, a peer, or the bare floor below them. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";

/** What a client can connect to. `bare smtp`: the receiving program alone, nothing in front of it. */
export type Door = "smtp" | "submission" | "pop3" | "bare smtp";

export interface Contender {
  readonly name: string;
  /** What a 250 after DATA promises here, in a few words. */
  readonly promise: string;
  /** Why it cannot be measured on this machine; undefined when it can. */
  missing(): string | undefined;
  /** Starts it, with all its files in `folder`, on the server's core. Throws when it does not come up. */
  start(folder: string): Promise<Running>;
}

export interface Running {
  readonly doors: ReadonlyMap<Door, number>;
  /** The processes that all others descend from. */
  readonly roots: readonly number[];
  readonly recipient: string;
  readonly user: string;
  readonly password: string;
  /** Messages of the usual size in the user's mailbox, for POP3; a number. */
  readonly mailbox: number;
  stop(): Promise<void>;
}

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

/** Starts a server's first process; its log goes to a file. */
export function startServer(argv: readonly string[], log: string) {
  const [command = "", ...words] = pinned(argv, "server");
  const err = openSync(log, "a");
  const child = spawn(command, words, { stdio: ["ignore", "pipe", err], detached: true });
  closeSync(err);
  return child;
}

export async function stopServer(child: ChildProcess, seconds = 20): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
  await gone;
  clearTimeout(late);
}

/** The first number of `span` ports that nobody uses at this moment. */
export async function freePortBase(offsets: readonly number[]): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const base = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all(offsets.map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no free ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
