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
      if (/^$|^State:\s+[XZ]/m.test(text(`/proc/${pid}/status`) || "\n")) this.#known.delete(pid);
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

  /** Resolves to true at rest, to false when it is still busy after `seconds`. */
  async rest(seconds: number): Promise<boolean> {
    const deadline = performance.now() + seconds * 1000;
    for (let round = 0; performance.now() < deadline; round++) {
      const first = this.#look();
      if (first !== undefined && first === this.#look()) {
        // What they wrote before is in our sockets by now; let our own event loop bring it in.
        await turn();
        await turn();
        return true;
      }
      await new Promise((resolve) => setTimeout(resolve, round < 20 ? 1 : 5));
    }
    return false;
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
