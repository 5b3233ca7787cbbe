/** The processes of one server, and what they cost together: those that have ended too. cgroups(7), proc(5) */
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cpuSecondsOf, familyOf, textOf } from "./processes.ts";

export interface Group {
  /** True when the time of every process counts, whoever waited for it. */
  readonly exact: boolean;
  /** The words that run `argv` as a member: whatever it starts is one too. */
  member(argv: readonly string[]): string[];
  /** For where members do not say so themselves: a first process. */
  adopt(pid: number): void;
  pids(): number[];
  /** User and system time of all members since the beginning. */
  cpuSeconds(): number;
  /** Ends every member. */
  end(): Promise<void>;
}

let last = 0;
const nameOfThisRun = `acceptutils-bench-${process.pid}-`;

/** The control groups of this run, as a pattern for the shell. */
export const groupsOfThisRun = () => `${join(ownControlGroup() ?? "/nonexistent", nameOfThisRun)}*`;

/** A control group of its own; where we may not make one, the descendants of its first processes. */
export function newGroup(): Group {
  const above = ownControlGroup();
  if (above === undefined) return familyGroup();
  last += 1;
  const folder = `${join(above, nameOfThisRun)}${last}`;
  try {
    mkdirSync(folder);
  } catch {
    return familyGroup();
  }
  return controlGroup(folder);
}

function controlGroup(folder: string): Group {
  const members = join(folder, "cgroup.procs");
  const pids = () => textOf(members).split("\n").filter(Boolean).map(Number);
  return {
    exact: true,
    member: (argv) => ["/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, members, ...argv],
    adopt: () => {},
    pids,
    cpuSeconds: () => Number(/^usage_usec (\d+)/.exec(textOf(join(folder, "cpu.stat")))?.[1] ?? 0) / 1e6,
    end: async () => {
      writeFileSync(join(folder, "cgroup.kill"), "1");
      for (let tries = 0; !removed(folder) && tries < 500; tries++) await pause(10);
    },
  };
}

/** False while somebody is still dying in it. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** Children that nobody waits for are not counted here once they have ended. */
function familyGroup(): Group {
  const roots: number[] = [];
  return {
    exact: false,
    member: (argv) => [...argv],
    adopt: (pid) => roots.push(pid),
    pids: () => familyOf(roots),
    cpuSeconds: () => cpuSecondsOf(familyOf(roots)),
    end: async () => {
      for (const pid of familyOf(roots)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It has ended meanwhile.
        }
      }
    },
  };
}

/** The folder of the control group that this process is in, of the unified hierarchy. */
function ownControlGroup(): string | undefined {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(textOf("/proc/self/mounts"))?.[1];
  const path = /^0::(.*)$/m.exec(textOf("/proc/self/cgroup"))?.[1];
  return mount === undefined || path === undefined ? undefined : join(mount, path);
}
