/** What a family of processes has cost so far, from /proc. proc(5) */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Clock ticks a second: USER_HZ, the same on every Linux of ours. */
const ticks = 100;

/** `root` and all that descend from it. */
export function familyOf(roots: readonly number[]): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = statOf(pid)?.[1];
    if (parent !== undefined) parents.set(pid, Number(parent));
  }
  const family = new Set(roots.filter((pid) => parents.has(pid)));
  for (let size = -1; size !== family.size; ) {
    size = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

/** Seconds of user and system time, with those of children that have ended and were waited for. */
export function cpuSecondsOf(pids: readonly number[]): number {
  let sum = 0;
  // utime, stime, cutime, cstime are fields 14 to 17; the first here is field 3.
  for (const pid of pids) for (const time of (statOf(pid) ?? []).slice(11, 15)) sum += Number(time);
  return sum / ticks;
}

/** Kilobytes that these processes take together: shared pages count once. */
export function pssKilobytesOf(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) sum += Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return sum;
}

/** As `ps` shows it, short. */
export function titleOf(pid: number): string {
  const words = textOf(`/proc/${pid}/cmdline`)
    .split("\0")
    .filter((word) => word !== "");
  const title = words.map((word) => word.replace(/.*\//, "")).filter((word) => !/^(node$|--)/.test(word));
  return title.slice(0, 3).join(" ").slice(0, 40);
}

/** The fields from the state on; the name before them may hold anything, blanks and parentheses too. */
function statOf(pid: number): string[] | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** What is in a file of the kernel's; nothing where it is not there, or no longer. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** True for a process that runs Node.js, whatever it calls itself. */
export function isNode(pid: number): boolean {
  try {
    return /\/node$/.test(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return false;
  }
}
