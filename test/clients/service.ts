/** The whole service, started as `npm start` starts it, in a home of its own and on ports of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as later } from "node:timers/promises";
import { root } from "../runner/case.ts";

/** What one line of `--json` says. */
interface Facts {
  readonly home: string;
  readonly services: readonly { name: string; host: string; port: number; tls: string }[];
  readonly users: readonly { name: string; password: string }[];
}

export interface Service {
  readonly home: string;
  /** The name of the mail host: what is right of the @. */
  readonly host: string;
  port(name: "smtp" | "submission" | "submissions" | "pop3" | "pop3s"): number;
  password(user: "alice" | "bob"): string;
  /** The messages in a user's Maildir, as files, oldest name first. */
  mailOf(user: string): string[];
  /** Waits for at least so many messages. Throws after half a minute. */
  waitForMail(user: string, count: number): Promise<string[]>;
  /** All that it logged so far. */
  log(): string;
  /** Its processes, with what /proc calls them. */
  processes(): { pid: number; title: string }[];
  stop(): Promise<void>;
}

const startSeconds = 60;

export interface Options {
  /** Of Node.js, for all its processes. */
  readonly flags?: readonly string[];
  /** Words of `acceptutils up` beside the usual ones. */
  readonly words?: readonly string[];
  /** Changes a file of the home before the service runs: returns its path and its new text. */
  readonly prepare?: (home: string) => readonly [path: string, text: string];
}

/** Starts the service and waits until it says that everything answers. */
export async function startService({
  prepare,
  words: more = [],
  flags = [],
}: Options = {}): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "service-"));
  chmodSync(folder, 0o755); // the service's users must get through
  const marker = randomUUID();
  const { ACCEPTUTILS_HOME: _, NODE_TEST_CONTEXT: __, NODE_V8_COVERAGE: ___, ...inherited } = process.env;
  const env = { ...inherited, NODE_COMPILE_CACHE: join(root, "build", "cache") }; // as boot.mjs has it
  const portBase = await freePortBase();
  const words = [
    "acceptutils",
    "up",
    join(folder, "home"),
    "--port-base",
    String(portBase),
    "--json",
    ...more,
  ];
  const main = ["--disable-warning=ExperimentalWarning", ...flags, join(root, "build", "app.cjs")];
  let made: Facts["users"] = [];
  if (prepare !== undefined) {
    const home = join(folder, "home");
    const init = ["acceptutils", "init", home, "--port-base", String(portBase), "--json"];
    const out = execFileSync(process.execPath, [...main, ...init], { env, encoding: "utf8" });
    made = (JSON.parse(out) as Facts).users;
    const [path, text] = prepare(home);
    writeFileSync(path, text);
  }
  const child = spawn(process.execPath, [...main, ...words], {
    cwd: folder,
    env: { ...env, ACCEPTUTILS_TEST_SERVICE: marker },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    log += text;
  });
  const { users: shown, services, home } = await factsOf(child, () => log);
  const users = prepare === undefined ? shown : made; // passwords are shown once
  const mailOf = (user: string) => messagesIn(join(home, "mail", user, "Maildir"));
  return {
    home,
    host: readFileSync(join(home, "control", "me"), "latin1").trim(),
    port: (name) => named(services, name).port,
    password: (name) => named(users, name).password,
    mailOf,
    waitForMail: async (user, count) => {
      for (let tries = 0; mailOf(user).length < count; tries++) {
        if (tries > 600) throw new Error(`${mailOf(user).length} messages for ${user}, not ${count}\n${log}`);
        await later(50);
      }
      return mailOf(user);
    },
    log: () => log,
    processes: () => processesOf(marker),
    stop: async () => {
      // The others are its children, and leave when it says so.
      for (const { pid, title } of processesOf(marker)) if (isMaster(title)) signal(pid, "SIGTERM");
      for (let tries = 0; processesOf(marker).length > 0 && tries < 400; tries++) await later(50);
      const left = processesOf(marker);
      for (const { pid } of left) signal(pid, "SIGKILL");
      rmSync(folder, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`still there after SIGTERM: ${JSON.stringify(left)}\n${log}`);
    },
  };
}

/** The process that started all others, or what became it after a crash. */
export const isMaster = (title: string) => / acceptutils up /.test(title) && !title.startsWith("/bin/sh ");

async function factsOf(child: ChildProcess, log: () => string): Promise<Facts> {
  const lines = createInterface({ input: child.stdout! });
  const timer = setTimeout(() => child.kill("SIGTERM"), startSeconds * 1000);
  try {
    for await (const line of lines) {
      if (!line.startsWith("{")) continue;
      child.stdout!.resume();
      return JSON.parse(line) as Facts;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`the service did not start\n${log()}`);
}

function named<Item extends { name: string }>(items: readonly Item[], name: string): Item {
  const item = items.find((each) => each.name === name);
  if (item === undefined) throw new Error(`nothing is called ${name}`);
  return item;
}

function messagesIn(maildir: string): string[] {
  return ["new", "cur"].flatMap((folder) => {
    try {
      return readdirSync(join(maildir, folder))
        .sort()
        .map((name) => readFileSync(join(maildir, folder, name), "latin1"));
    } catch {
      return [];
    }
  });
}

/** By the marker in the environment, and what those have started with another environment. */
function processesOf(marker: string): { pid: number; title: string }[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: proc(name, "stat") }))
    .filter(({ stat }) => !/^\d+ \(.*\) [XZ]/s.test(stat) && stat !== "")
    .map(({ pid, stat }) => ({ pid, parent: Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2]) }));
  const ours = new Set(all.filter(({ pid }) => proc(pid, "environ").includes(marker)).map(({ pid }) => pid));
  for (let before = -1; before !== ours.size; ) {
    before = ours.size;
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
  }
  return [...ours]
    .map((pid) => ({ pid, title: proc(pid, "cmdline").replaceAll("\0", " ").trim() }))
    .filter(({ title }) => title !== "");
}

function proc(pid: number | string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

/** Sends a signal to a process that may be gone. */
export function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone
  }
}

/** A --port-base whose five ports are free at this moment. */
async function freePortBase(): Promise<number> {
  for (let base = 21_000 + 1000 * (process.pid % 30); ; base = 21_000 + ((base - 20_000) % 38_000)) {
    const servers = [525, 587, 465, 110, 995].map((at) => createServer().listen(base + at, "127.0.0.1"));
    const free = await Promise.all(servers.map((server) => once(server, "listening"))).then(
      () => true,
      () => false,
    );
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    if (free) return base;
  }
}
