/** A server of Debian's, with settings of its own, for one test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as later } from "node:timers/promises";

/** Why the program cannot be run; false when it can. */
export function missing(program: string, debianPackage: string): string | false {
  const there =
    spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/usr/local/sbin command -v ${program}`]).status === 0;
  return there ? false : `${program} (Debian: ${debianPackage}) is not installed`;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

export interface Daemon {
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const startSeconds = 30;

/** Starts it and waits until it accepts connections on a port of 127.0.0.1, or has made a socket. Throws what it said. */
export async function startDaemon(
  [program = "", ...words]: readonly string[],
  accepts: number | string,
  as: { uid?: number; gid?: number } = {},
): Promise<Daemon> {
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` };
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], env, ...as });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const ended = once(child, "exit");
  const until = performance.now() + startSeconds * 1000;
  while (!(await answers(accepts))) {
    if (child.exitCode !== null || performance.now() > until) throw new Error(`${program}: ${said}`);
    await later(20);
  }
  const stop = async () => {
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await ended;
    clearTimeout(late);
  };
  return { process: child, stop };
}

async function answers(accepts: number | string): Promise<boolean> {
  if (typeof accepts === "string" && !(existsSync(accepts) && statSync(accepts).isSocket())) return false;
  const socket = typeof accepts === "string" ? connect(accepts) : connect(accepts, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
