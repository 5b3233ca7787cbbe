/** How samples divide: by kind of work, by process, and by function of ours. */
import { type Kind, kindOf } from "./kinds.ts";
import type { Samples } from "./recording.ts";
import type { Sample } from "./samples.ts";

/** Per cent of all samples. */
export type Percents = Readonly<Record<string, number>>;

export interface Shares {
  readonly says: string;
  /** What was measured meanwhile. */
  readonly seen: string;
  readonly samples: number;
  readonly kinds: Percents;
  readonly processes: Percents;
  /** The kinds of each large process, of all samples too. Undefined where they were recorded before there was such a thing. */
  readonly processKinds?: Readonly<Record<string, Percents>>;
  /** With what they asked the platform for; the costliest only. */
  readonly functions: Percents;
}

const functionsShown = 10;

/** Per cent: a process with less has no kinds of its own, and a kind that has less in each of them is none of theirs. */
const leastProcess = 5;
const leastKind = 1;

/** By kind, by process, and by both. Samples that are there because somebody looks are none. */
export function divide({ samples, roleOf }: Samples): Omit<Shares, "says" | "seen" | "functions"> {
  const kinds = new Map<Kind, number>();
  const processes = new Map<string, number>();
  const both = new Map<string, Map<Kind, number>>();
  let all = 0;
  for (const sample of samples) {
    const kind = kindOf(sample);
    if (kind === undefined) continue;
    all += 1;
    const role = roleOf(sample);
    add(kinds, kind);
    add(processes, role);
    const ofRole = both.get(role) ?? new Map<Kind, number>();
    both.set(role, ofRole);
    add(ofRole, kind);
  }
  return {
    samples: all,
    kinds: percents(kinds, all),
    processes: percents(processes, all),
    processKinds: large(processes, both, all),
  };
}

/** What is large of `both`: the largest process first. */
function large(
  processes: ReadonlyMap<string, number>,
  both: ReadonlyMap<string, ReadonlyMap<Kind, number>>,
  all: number,
): Readonly<Record<string, Percents>> {
  const shown = [...processes]
    .filter(([, number]) => 100 * number >= leastProcess * all)
    .sort(([, a], [, b]) => b - a)
    .map(([role]) => [role, both.get(role)!] as const);
  const isLarge = (kind: Kind) => shown.some(([, found]) => 100 * (found.get(kind) ?? 0) >= leastKind * all);
  return Object.fromEntries(
    shown.map(([role, found]) => [
      role,
      percents(new Map([...found].filter(([kind]) => isLarge(kind))), all),
    ]),
  );
}

/** The costliest functions. */
export function costliest(
  { samples }: Samples,
  functionOf: (sample: Sample) => string | undefined,
): Percents {
  const functions = new Map<string, number>();
  let all = 0;
  for (const sample of samples) {
    if (kindOf(sample) === undefined) continue;
    all += 1;
    const name = functionOf(sample);
    if (name !== undefined) add(functions, name);
  }
  return percents(functions, all, functionsShown);
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The largest first. */
function percents(counts: ReadonlyMap<string, number>, all: number, most = counts.size): Percents {
  const sorted = [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
  return Object.fromEntries(sorted.map(([key, number]) => [key, Math.round((1000 * number) / all) / 10]));
}
