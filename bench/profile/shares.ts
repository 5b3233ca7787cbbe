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
  /** With what they asked the platform for; the costliest only. */
  readonly functions: Percents;
}

const functionsShown = 10;

/** By kind and by process. Samples that are there because somebody looks are none. */
export function divide({ samples, roleOf }: Samples): Pick<Shares, "samples" | "kinds" | "processes"> {
  const kinds = new Map<Kind, number>();
  const processes = new Map<string, number>();
  let all = 0;
  for (const sample of samples) {
    const kind = kindOf(sample);
    if (kind === undefined) continue;
    all += 1;
    add(kinds, kind);
    add(processes, roleOf(sample));
  }
  return { samples: all, kinds: percents(kinds, all), processes: percents(processes, all) };
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
