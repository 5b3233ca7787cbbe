/**
 * Counts how often processes ask the disk to keep what they wrote, from outside, so the same for all: with perf where the
 * kernel lets us, which costs them next to nothing; else with strace, which makes each of these calls slow.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

const calls = ["fsync", "fdatasync", "sync_file_range", "syncfs", "sync", "msync"];

/** Runs `work` while the flushes of `pids`, and of what they start, are counted; undefined when nobody can. */
export async function flushesDuring(
  pids: readonly number[],
  work: () => Promise<unknown>,
): Promise<number | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "bench-flushes-"));
  const file = join(folder, "counts");
  try {
    for (const { start, countIn } of counters) {
      const counter = await start(pids, file);
      if (counter === undefined) continue;
      try {
        await work();
      } finally {
        const ended = once(counter, "exit");
        counter.kill("SIGINT");
        await ended;
      }
      return countIn(readFileSync(file, "latin1"));
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** perf-stat(1), begun and not yet counting, until it is told so and says `ack`. */
async function startPerf(pids: readonly number[], file: string): Promise<ChildProcess | undefined> {
  const events = calls.map((call) => `syscalls:sys_enter_${call}`).join(",");
  const words = [
    "-x",
    ",",
    "-o",
    file,
    "-e",
    events,
    "-p",
    pids.join(","),
    "-D",
    "-1",
    "--control",
    "fd:3,4",
  ];
  const perf = spawn("perf", ["stat", ...words], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [control, answers] = perf.stdio.slice(3) as unknown as readonly [Duplex, Duplex];
  control.on("error", () => {});
  control.write("enable\n");
  const there = await Promise.race([
    once(answers, "data").then(() => true),
    once(perf, "exit").then(() => false),
    once(perf, "error").then(() => false),
  ]).catch(() => false);
  return there ? perf : undefined;
}

/** strace(1), attached to all of them. */
async function startStrace(pids: readonly number[], file: string): Promise<ChildProcess | undefined> {
  const words = ["-f", "-c", "-e", `trace=${calls.join(",")}`, "-o", file];
  const strace = spawn("strace", [...words, ...pids.flatMap((pid) => ["-p", String(pid)])], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      let said = "";
      strace.on("error", reject);
      strace.on("exit", () => reject(new Error(said)));
      strace.stderr.on("data", (text: Buffer) => {
        said += text;
        if (said.includes("ptrace(")) reject(new Error(said)); // a process that lets nobody but root look
        if (said.split("attached").length > pids.length) resolve();
      });
    });
    return strace;
  } catch {
    strace.kill("SIGKILL");
    return undefined;
  }
}

/** Lines of `perf stat -x,`: "12,,syscalls:sys_enter_fsync,…". */
export function countOfPerf(table: string): number {
  const counts = [...table.matchAll(/^(\d+),[^,]*,syscalls:sys_enter_/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** The calls of `strace -c`: "% time  seconds  usecs/call  calls  errors  syscall". */
export function countOfStrace(table: string): number {
  let sum = 0;
  for (const line of table.split("\n")) {
    const words = line.trim().split(/\s+/);
    if (calls.includes(words.at(-1) ?? "")) sum += Number(words[3]);
  }
  return sum;
}

const counters = [
  { start: startPerf, countIn: countOfPerf },
  { start: startStrace, countIn: countOfStrace },
];
