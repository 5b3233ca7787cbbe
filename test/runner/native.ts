/** The native host: the program is a process, found on PATH as a run script finds it. */
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { socketPair } from "../../src/system/native.ts";
import type { Ended } from "../../src/system/system.ts";
import type { Case } from "./case.ts";
import type { Folder } from "./folder.ts";
import { type Host, nobody, type Playing, uidFor } from "./host.ts";
import { Family } from "./idle.ts";
import { Line } from "./line.ts";

/** SSLREADFD on 3, where checkpassword wants its secret: the worst place a server can choose, and the usual one. */
const tlsDescriptors = { SSLREADFD: 3, SSLWRITEFD: 4, SSLCTLFD: 5 };

export function nativeHost(): Host {
  return { name: "native", start, close: async () => {} };
}

/** authup as root starts it when AUTHUP_UID is set: the half that talks with the client is somebody else. */
export function dividedHost(): Host {
  const identity = { AUTHUP_UID: String(nobody), AUTHUP_GID: String(nobody) };
  return {
    name: "native",
    start: (played, folder) => start(played, { ...folder, env: { ...folder.env, ...identity } }),
    close: async () => {},
  };
}

async function start(played: Case, folder: Folder): Promise<Playing> {
  const [word = "", ...args] = played.argv;
  const [ours, theirs] = socketPair();
  const withClient = played.qq === undefined;
  const ends = withClient ? [theirs, theirs] : ["pipe", "pipe"];
  const tls = played.ucspitls === undefined ? [] : ["pipe", "pipe", "pipe"];
  const uid = uidFor(played);
  const child = spawn(word, args, {
    cwd: folder.home,
    env: { ...folder.env, ...tlsEnvironment(played) },
    stdio: [...ends, "pipe", ...tls] as "pipe"[],
    detached: true,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  closeSync(theirs);
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString("latin1");
  });
  let ended: Ended | undefined;
  child.on("exit", (code, signal) => {
    ended = signal === null ? { code: code ?? 0 } : { signal };
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  if (played.qq !== undefined) {
    for (const [fd, text] of [played.qq.message, played.qq.envelope].entries()) {
      const pipe = child.stdio[fd] as Writable;
      pipe.on("error", () => {});
      pipe.end(Buffer.from(text, "latin1"));
    }
    closeSync(ours);
  }
  const client = withClient ? Line.of(new Socket({ fd: ours, allowHalfOpen: true })) : undefined;
  const stdio = child.stdio as readonly unknown[];
  const lines =
    played.ucspitls === undefined
      ? undefined
      : {
          control: Line.of(stdio[5] as Duplex),
          inside: new Line(stdio[4] as Readable, stdio[3] as Writable),
        };
  const family = new Family(child.pid!);
  return {
    client,
    tls: lines && { control: () => lines.control, inside: () => lines.inside },
    family,
    ended: () => ended,
    log: () => log,
    stop: async () => {
      for (const pid of family.living()) tryKill(pid);
      for (const line of [client, lines?.control, lines?.inside]) line?.close();
    },
  };
}

function tlsEnvironment({ ucspitls }: Case): Record<string, string> {
  if (ucspitls === undefined) return {};
  const env: Record<string, string> = {};
  for (const [name, fd] of Object.entries(tlsDescriptors)) {
    if (!ucspitls.omit?.includes(name)) env[name] = ucspitls.override?.[name] ?? String(fd);
  }
  return env;
}

/** Kills a process of a case, if it is still there. */
export function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone
  }
}
