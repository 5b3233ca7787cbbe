/**
 * Knows when a process and all that it started have come to rest, from /proc alone: no sleeping and hoping.
 *
 * A thread that is woken becomes runnable at that instant, so bytes that wait for a sleeping thread are bytes that it
 * does not wait for. When every thread sleeps at one moment, nothing will happen before the outside world moves.
 * One look cannot see one moment; two can: if all slept in both and none ran in between, they slept together.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";

/** A family of processes: the first one, and whoever was started by one that we know. */
export class Family {
  readonly #known: Set<number>;

  constructor(pid: number) {
    this.#known = new Set([pid]);
  }

  /** The living, the first one included. */
  living(): number[] {
    for (const pid of this.#known) {
      for (const thread of entries(`/proc/${pid}/task`)) {
        for (const child of text(`/proc/${pid}/task/${thread}/children`).split(" ")) {
          if (child !== "") this.#known.add(Number(child)); // a Set is walked to its end, additions included
        }
      }
    }
    for (const pid of this.#known) {
      // X and Z: it is over, and only its parent has not looked yet.
      const status = text(`/proc/${pid}/status`);
      if (status === "" || /^State:\s+[XZ]/m.test(status)) this.#known.delete(pid);
    }
    return [...this.#known];
  }

  /** How often each thread has run so far; undefined when one of them is running or about to. */
  #look(): string | undefined {
    let seen = "";
    for (const pid of this.living()) {
      for (const thread of entries(`/proc/${pid}/task`)) {
        const status = text(`/proc/${pid}/task/${thread}/status`);
        const state = /^State:\s+([A-Z])/m.exec(status)?.[1];
        if (state === undefined) continue;
        if (state !== "S" && state !== "Z" && state !== "X" && state !== "T") return undefined;
        const runs = /^voluntary_ctxt_switches:\s+(\d+)\nnonvoluntary_ctxt_switches:\s+(\d+)/m.exec(status);
        seen += `${thread} ${runs?.[1]} ${runs?.[2]}\n`;
      }
    }
    return seen;
  }

  /**
   * Resolves to true at rest; to false when they are still busy after they have used so many seconds of the processor.
   * (Or after many more seconds of the clock: a machine that has other things to do is not their fault.)
   */
  async rest(busySeconds: number): Promise<boolean> {
    const before = this.#usedSeconds();
    const deadline = performance.now() + busySeconds * 10_000;
    for (let round = 1; ; round++) {
      const first = this.#look();
      if (first !== undefined && first === this.#look()) {
        // What they wrote before is in our sockets by now; let our own event loop bring it in.
        await turn();
        await turn();
        return true;
      }
      if (round % 50 === 0 && this.#usedSeconds() - before > busySeconds) return false;
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, round < 20 ? 1 : 5));
    }
  }

  /** The processor time of the living, in seconds. */
  #usedSeconds(): number {
    let ticks = 0;
    for (const pid of this.living()) {
      const stat = text(`/proc/${pid}/stat`);
      // proc(5): utime and stime are fields 14 and 15; the name, field 2, may have blanks in it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    }
    return ticks / 100;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // gone meanwhile
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
