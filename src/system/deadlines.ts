/**
 * One coarse clock for all deadlines of a process: a thousand silent sessions cost one timer, not a thousand.
 * A deadline fires up to `granularityMs` late, never early.
 */
class Deadlines {
  readonly granularityMs = 250;
  readonly #pending = new Set<{ at: number; late(): void }>();
  #timer: NodeJS.Timeout | undefined;

  /** Calls `late` after `seconds`; the returned function takes it back. */
  after(seconds: number, late: () => void): () => void {
    const entry = { at: performance.now() + seconds * 1000, late };
    this.#pending.add(entry);
    this.#timer ??= setInterval(() => this.#look(), this.granularityMs).unref();
    return () => {
      this.#pending.delete(entry);
    };
  }

  #look(): void {
    const now = performance.now();
    for (const entry of this.#pending) {
      if (entry.at > now) continue;
      this.#pending.delete(entry);
      entry.late();
    }
    if (this.#pending.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export const deadlines = new Deadlines();
