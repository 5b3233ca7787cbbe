/** What V8 holds in each process of a service. */
import { type Kept, summaryOf } from "./heap-snapshot.ts";
import type { Inspector } from "./inspector.ts";
import { roleOf } from "./service.ts";

export interface Heap {
  readonly role: string;
  readonly pid: number;
  readonly memory: NodeJS.MemoryUsage;
  readonly objects: ReadonlyMap<string, Kept>;
}

/** One process after the other, each after a collection of garbage. */
export async function heapsOf(inspectors: ReadonlyMap<number, Inspector>): Promise<Heap[]> {
  const heaps: Heap[] = [];
  for (const [pid, inspector] of inspectors) {
    const memory = await inspector.memory();
    heaps.push({ role: roleOf(pid), pid, memory, objects: summaryOf(await inspector.heapSnapshot()) });
  }
  return heaps.sort((a, b) => b.memory.heapUsed - a.memory.heapUsed);
}
