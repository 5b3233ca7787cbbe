/** Everyone who is measured, up at once; and everything gone again, however the run ends. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender, Place } from "./contender/contender.ts";
import { type ColdStart, coldStartOf } from "./contender/serve.ts";
import { type Group, groupsOfThisRun, newGroup } from "./measure/group.ts";
import { endLoad, type Served } from "./measure/sample.ts";

/** A server that is up. */
export interface Up extends Served {
  /** All starts of this contender so far, the first at first. */
  readonly starts: readonly ColdStart[];
  /** Ends it and removes its files. */
  leave(): Promise<void>;
}

const gone = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };

export class Stage {
  readonly #folder: string;
  readonly #groups = new Set<Group>();
  readonly #starts = new Map<Contender, ColdStart[]>();

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "acceptutils-bench-"));
    chmodSync(this.#folder, 0o755);
    watch(this.#folder);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => void this.clear().then(() => process.exit(130)));
    }
  }

  /** The running server, or why there is none: a gap in the table. */
  async enter(contender: Contender): Promise<Up | string> {
    const missing = contender.missing();
    if (missing !== undefined) return missing;
    const folder = mkdtempSync(join(this.#folder, "server-"));
    chmodSync(folder, 0o755);
    const place: Place = { folder, group: newGroup(), helpers: newGroup() };
    this.#groups.add(place.group).add(place.helpers);
    try {
      const running = await contender.start(place);
      const served = { ...running, group: place.group };
      const leave = () => this.#remove(place);
      const cold = coldStartOf(place);
      const starts = [...(this.#starts.get(contender) ?? []), ...(cold === undefined ? [] : [cold])];
      this.#starts.set(contender, starts);
      return { ...served, starts, leave };
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Ends all servers and the load, and removes their files. */
  async clear(): Promise<void> {
    endLoad();
    await Promise.all([...this.#groups].map((group) => group.end()));
    rmSync(this.#folder, gone);
  }

  async #remove({ folder, group, helpers }: Place): Promise<void> {
    await Promise.all([group.end(), helpers.end()]);
    this.#groups.delete(group);
    this.#groups.delete(helpers);
    rmSync(folder, gone);
  }
}

/** A process that outlives us and clears up when we were killed: it notices that its input has ended. */
function watch(folder: string): void {
  const script = `cat >/dev/null
for group in $1; do
  [ -d "$group" ] && echo 1 >"$group/cgroup.kill" && sleep 0.5 && rmdir "$group"
done
rm -rf "$0"`;
  const words = ["-c", script, folder, groupsOfThisRun()];
  const child = spawn("/bin/sh", words, { stdio: ["pipe", "ignore", "ignore"], detached: true });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
}
