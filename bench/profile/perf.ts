/** perf(1): it sees all of a process, C++ and the kernel too, and processes that live for a moment. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { textOf } from "../measure/processes.ts";
import { fields, type Sample, samplesIn } from "./samples.ts";

/** Samples a second of CPU time; a prime, almost, so that no timer keeps step with it. */
export const samplesPerSecond = 4999;
const recording = ["record", "-q", "-F", String(samplesPerSecond), "-e", "cpu-clock", "-g"];

/** What Node.js is told so that perf finds names for what it compiles. */
export const perfFlags = ["--perf-basic-prof"];
/** And for what it interprets: there is a price, but a process that has just started does little else. */
export const startingFlags = [...perfFlags, "--interpreted-frames-native-stack"];

/** Why nothing can be recorded here, in a line; undefined when it can. */
export function whyNoPerf(): string | undefined {
  if (process.getuid?.() !== 0 && Number(textOf("/proc/sys/kernel/perf_event_paranoid") || 4) > 1) {
    return "perf sees the kernel for root only here (/proc/sys/kernel/perf_event_paranoid)";
  }
  const { error, status, stderr } = spawnSync("perf", [...recording, "-o", "/dev/null", "--", "true"], {
    encoding: "utf8",
  });
  if (error !== undefined) return "perf is not installed: Debian's package is linux-perf";
  return status === 0 ? undefined : `perf may not record here: ${stderr.trim().split("\n")[0]}`;
}

/** The words that run a program, and whatever it starts, while perf records. */
export const recorded = (file: string): string[] => ["perf", ...recording, "-o", file, "--"];

/** Records these processes, and those they start, while `work` runs. */
export async function recordDuring<Result>(
  pids: readonly number[],
  file: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const perf = spawn("perf", [...recording, "-o", file, "-p", pids.join(",")], { stdio: "ignore" });
  const ended = once(perf, "exit");
  try {
    return await work();
  } finally {
    perf.kill("SIGINT");
    await ended;
  }
}

/** The samples of a recording. */
export async function* samplesOf(file: string): AsyncGenerator<Sample> {
  // -f: the names of functions are in files of whoever a process has become.
  const words = ["script", "-f", "--no-inline", "-i", file, "-F", fields];
  const perf = spawn("perf", words, { stdio: ["ignore", "pipe", "ignore"] });
  yield* samplesIn(createInterface({ input: perf.stdout }));
}
