/** Counts how often processes ask the disk to keep what they wrote: strace, from outside, so the same for all. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const calls = "fsync,fdatasync,sync_file_range,syncfs,sync,msync";

/** Runs `work` with `pids` traced. Resolves to the number of flushes; undefined when strace cannot say. */
export async function flushesDuring(
  pids: readonly number[],
  work: () => Promise<unknown>,
): Promise<number | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "bench-flushes-"));
  const file = join(folder, "counts");
  const words = [
    "-f",
    "-c",
    "-e",
    `trace=${calls}`,
    "-o",
    file,
    ...pids.flatMap((pid) => ["-p", String(pid)]),
  ];
  const strace = spawn("strace", words, { stdio: ["ignore", "ignore", "pipe"] });
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
    await work();
    const ended = once(strace, "exit");
    strace.kill("SIGINT");
    await ended;
    return countIn(readFileSync(file, "latin1"));
  } catch {
    strace.kill("SIGKILL");
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The calls of `strace -c`: "% time  seconds  usecs/call  calls  errors  syscall". */
function countIn(table: string): number {
  let sum = 0;
  for (const line of table.split("\n")) {
    const words = line.trim().split(/\s+/);
    if (calls.split(",").includes(words.at(-1) ?? "")) sum += Number(words[3]);
  }
  return sum;
}
