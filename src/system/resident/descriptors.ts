/**
 * How many sessions this process has descriptors for. One session too many would take a descriptor that another needs
 * in the middle of its conversation, so a client for whom there are none waits in the kernel, as at the limit of -c.
 */
import { readdirSync, readFileSync } from "node:fs";

/** What one session may hold at its worst: its connection, the two sides of TLS, a program's pipes, a message. */
const perSession = 8;
/** For everything else: sockets that services are yet to listen on, files that are read, the DNS, channels to workers yet to come. */
const reserve = 32;

/** What sessions need to be, counted. */
export interface Room {
  readonly most: number;
  /** False when the session that was just taken is the last one for now; `again` is called when there is room. */
  take(again: () => void): boolean;
  /** A session has ended. */
  give(): void;
}

export class Descriptors implements Room {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #sessions = 0;

  /** `allowed`: open files of this process, `open`: those that are none of a session's. */
  constructor(allowed: number, open: number) {
    this.#most = Math.max(1, Math.floor((allowed - open - reserve) / perSession));
  }

  take(again: () => void): boolean {
    this.#sessions += 1;
    if (this.#sessions < this.#most) return true;
    this.#waiting.add(again);
    return false;
  }

  give(): void {
    this.#sessions -= 1;
    if (this.#sessions >= this.#most) return;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const again of all) again();
  }

  get most(): number {
    return this.#most;
  }
}

let ours: Descriptors | undefined;

/** Those of this process. */
export function descriptors(): Descriptors {
  ours ??= new Descriptors(allowedFiles(), readdirSync("/proc/self/fd").length);
  return ours;
}

/** RLIMIT_NOFILE. Node.js has raised it to what is allowed at most. */
function allowedFiles(): number {
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
