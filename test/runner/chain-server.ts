/** A server of a recorded case: its words, with our port, our users and our certificate. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import type { ChainCase } from "./chain-case.ts";
import { Family } from "./idle.ts";

export interface Server {
  readonly port: number;
  readonly process: ChildProcess;
  readonly family: Family;
  /** All of its log so far. */
  log(): string;
}

/** Where it is started. */
export interface Place {
  readonly home: string;
  readonly certificate: string;
  readonly env: Readonly<Record<string, string>>;
}

export async function startServer(service: ChainCase["service"], place: Place): Promise<Server> {
  const { home, certificate, env } = place;
  const { QMAILQUEUE } = service.env;
  const [program = "", ...words] = wordsOf(service, home);
  const child = spawn(join(home, "bin", program), words, {
    cwd: home,
    env: {
      ...env,
      ...service.env,
      ...(QMAILQUEUE ? { QMAILQUEUE: QMAILQUEUE.replace("/var/qmail", home) } : {}),
      CERTFILE: certificate,
      KEYFILE: certificate,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    log += text;
  });
  const [port] = await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => {
      throw new Error(`${program} did not start: ${log}`);
    }),
  ]);
  await until(() => log.includes("status: 0/"));
  return { port: Number(port), process: child, family: new Family(child.pid!), log: () => log };
}

/** The recorded command line, with what was particular to the recorder's machine replaced. */
function wordsOf({ listener_argv, chain }: ChainCase["service"], home: string): string[] {
  const [program = "", ...recorded] = listener_argv;
  const account = process.getuid?.() === 0 ? qmaild(home) : undefined;
  const words = [program, "-1", ...(program === "sslserver" ? ["-c40"] : [])]; // as many as the originals have unasked
  const all = [...recorded, ...chain];
  for (let at = 0; at < all.length; at++) {
    const word = all[at]!;
    if (/^(-u|-g|s6-setuidgid)$/.test(word)) {
      at++;
      if (account === undefined) continue; // we stay who we are
      const { uid, gid } = account;
      words.push(word, word === "-u" ? uid : word === "-g" ? gid : `${uid}:${gid}`);
    } else words.push(/^21\d{3}$/.test(word) ? "0" : word);
  }
  return words;
}

/** The service account that init made for mail from the world. */
function qmaild(home: string): { uid: string; gid: string } | undefined {
  const accounts = readFileSync(join(home, "users", "accounts"), "latin1");
  const [, uid, gid] = /^qmaild:(\d+):(\d+)/m.exec(accounts) ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

export async function until(is: () => boolean, seconds = 20): Promise<void> {
  for (const from = performance.now(); !is(); ) {
    if (performance.now() - from > seconds * 1000) throw new Error("waited in vain");
    await later(10);
  }
}
