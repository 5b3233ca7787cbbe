/**
 * Another process of the same server, by the same command line and environment, that is given the listening socket.
 * It says on a pipe when it serves.
 */
import { spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { dieWithParent } from "../native.ts";

/** Set for a successor: the descriptors of the listening socket and of the pipe. */
const variable = "ACCEPTUTILS_SUCCESSOR";
const listeningAt = 4;
const readyAt = 5;

export interface Successor {
  readonly pid: number;
  /** Resolves to the exit code; 0 after a signal. */
  readonly gone: Promise<number>;
  tell(signal: NodeJS.Signals): void;
}

/** Resolves when it serves; to undefined when it does not come to that, and its own words in the log say why. */
export async function startSuccessor(
  listening: number,
  password: Uint8Array | undefined,
): Promise<Successor | undefined> {
  const { NOTIFY_SOCKET: _, ...env } = process.env;
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: [0, "ignore", 2, password === undefined ? "ignore" : "pipe", listening, "pipe"],
    env: { ...env, [variable]: "1" },
  });
  const pipes = child.stdio as readonly unknown[]; // the types know of five
  if (password !== undefined) (pipes[3] as Socket).on("error", () => {}).end(password);
  const gone = new Promise<number>((resolve) => {
    child.on("exit", (code) => resolve(code ?? 0));
    child.on("error", () => resolve(111));
  });
  const ready = pipes[readyAt] as Socket;
  const serves = new Promise<boolean>((resolve) => {
    ready.on("data", () => resolve(true));
    ready.on("close", () => resolve(false));
    ready.on("error", () => resolve(false));
  });
  if (!(await Promise.race([serves, gone.then(() => false)]))) {
    child.kill("SIGKILL");
    return undefined;
  }
  ready.destroy();
  return { pid: child.pid ?? 0, gone, tell: (signal) => child.kill(signal) };
}

export interface Inheritance {
  /** The listening socket. */
  readonly listening: number;
  /** Where one octet says that we serve. */
  readonly ready: number;
}

/** What a predecessor left us; undefined: we are the first. Whoever has one ends with it. */
export function takeInheritance(env: Map<string, string>): Inheritance | undefined {
  delete process.env[variable];
  if (!env.delete(variable)) return undefined;
  dieWithParent();
  return { listening: listeningAt, ready: readyAt };
}

export function tellReady({ ready }: Inheritance): void {
  writeSync(ready, "\n");
  closeSync(ready);
}
