/** Finds processes that outlived their test, by a variable that all of a run inherit. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as later } from "node:timers/promises";

const graceSeconds = 5;

/**
 * Waits a little for what is still ending, then ends and names each process that has ACCEPTUTILS_TEST_RUN=`marker` in its
 * environment, except our own family. Returns how many there were. Processes that we may not look into are not ours.
 */
export async function leftBehind(marker: string, say: (line: string) => void): Promise<number> {
  const deadline = performance.now() + graceSeconds * 1000;
  let found = marked(marker);
  while (found.length > 0 && performance.now() < deadline) {
    await later(100);
    found = marked(marker);
  }
  for (const pid of found) {
    say(`left behind: ${pid} ${read(pid, "cmdline").replaceAll("\0", " ")} (in ${folderOf(pid)})`);
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // gone at last
    }
  }
  return found.length;
}

function marked(marker: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && pid !== process.ppid)
    .filter((pid) => read(pid, "environ").includes(`ACCEPTUTILS_TEST_RUN=${marker}`))
    .filter((pid) => !/^State:\s+[XZ]/m.test(read(pid, "status")));
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "?";
  }
}
