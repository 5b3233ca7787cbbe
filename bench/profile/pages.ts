/** The memory of processes as the kernel has it. proc_pid_smaps(5) */
import { readFileSync } from "node:fs";
import { isNode } from "../measure/processes.ts";
import { roleOf, type Service } from "./service.ts";

/** Kibibytes. */
export interface Pages {
  /** The role of the process; with its number where several have it. */
  readonly role: string;
  readonly pid: number;
  readonly pss: number;
  readonly private: number;
  /** Private, by what it is for. */
  readonly binary: number;
  readonly malloc: number;
  /** Anonymous: what V8 has, its heap first, and large pieces of malloc; stacks. */
  readonly anonymous: number;
}

/** Of each of our processes in Node.js, the largest first. */
export function pagesOf({ group }: Service): Pages[] {
  return group
    .pids()
    .filter(isNode)
    .map((pid) => ({ role: roleOf(pid), pid, ...pagesIn(readFileSync(`/proc/${pid}/smaps`, "latin1")) }))
    .sort((a, b) => b.pss - a.pss);
}

/** Adds up a file `smaps`: a line for each mapping, and below it what it takes. */
export function pagesIn(smaps: string): Omit<Pages, "role" | "pid"> {
  const sums = { pss: 0, private: 0, binary: 0, malloc: 0, anonymous: 0 };
  let of: "binary" | "malloc" | "anonymous" = "anonymous";
  for (const line of smaps.split("\n")) {
    const [, path] = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
    if (path !== undefined) of = path === "[heap]" ? "malloc" : path.startsWith("/") ? "binary" : "anonymous";
    const [, field, number] = /^(Pss|Private_Clean|Private_Dirty): +(\d+) kB/.exec(line) ?? [];
    if (field === "Pss") sums.pss += Number(number);
    else if (field !== undefined) {
      sums.private += Number(number);
      sums[of] += Number(number);
    }
  }
  return sums;
}
