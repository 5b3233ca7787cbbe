/** The names that V8 writes for perf: /tmp/perf-PID.map. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const file = (pid: number) => `/tmp/perf-${pid}.map`;

/** V8 compiles anew what is called often, where other code was before; perf would take any of the names there. */
export function keepLatestNames(pids: Iterable<number>): void {
  for (const pid of pids) {
    if (existsSync(file(pid))) writeFileSync(file(pid), latestNames(readFileSync(file(pid), "utf8")));
  }
}

export function forgetNames(pids: Iterable<number>): void {
  for (const pid of pids) rmSync(file(pid), { force: true });
}

/** Of lines `address size name`, in the order they were written, those that no later one lies over. */
export function latestNames(map: string): string {
  const kept: { from: number; to: number; line: string }[] = [];
  for (const line of map.split("\n").reverse()) {
    const [address = "", size = ""] = line.split(" ", 2);
    const from = Number.parseInt(address, 16);
    const to = from + Number.parseInt(size, 16);
    if (!(to > from)) continue;
    let at = 0; // the first that ends behind our beginning
    for (let end = kept.length; at < end; ) {
      const middle = (at + end) >> 1;
      if (kept[middle]!.to <= from) at = middle + 1;
      else end = middle;
    }
    const next = kept[at];
    if (next === undefined || next.from >= to) kept.splice(at, 0, { from, to, line });
  }
  return kept.map(({ line }) => `${line}\n`).join("");
}
