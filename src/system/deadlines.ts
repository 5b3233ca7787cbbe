/**
 * One coarse clock for all deadlines of a process: a thousand silent sessions cost one timer, not a thousand.
 * A deadline fires up to `granularityMs` late, never early.
 */

/** Somebody who has no patience for ever. */
export interface Patient {
  /** Milliseconds, as performance.now() counts them; Infinity: nothing is waited for now. */
  readonly lateAt: number;
  /** Said by the clock: it looks at this one. Who is found without a deadline is looked at no longer. */
  watched: boolean;
  /** It is late. Called again a moment later unless `lateAt` has changed. */
  late(): void;
}

class Deadlines {
  readonly granularityMs = 250;
  readonly #patients = new Set<Patient>();
  #timer: NodeJS.Timeout | undefined;

  /** Looks at one who has a deadline from now on. */
  watch(patient: Patient): void {
    patient.watched = true;
    this.#patients.add(patient);
    this.#timer ??= setInterval(() => this.#look(), this.granularityMs).unref();
  }

  /** Calls `late` after `seconds`; the returned function takes it back. */
  after(seconds: number, late: () => void): () => void {
    const entry = {
      lateAt: performance.now() + seconds * 1000,
      watched: true,
      late: () => {
        this.#patients.delete(entry);
        late();
      },
    };
    this.watch(entry);
    return () => {
      this.#patients.delete(entry);
    };
  }

  #look(): void {
    const now = performance.now();
    for (const patient of this.#patients) {
      if (patient.lateAt <= now) patient.late();
      else if (patient.lateAt === Number.POSITIVE_INFINITY) {
        patient.watched = false;
        this.#patients.delete(patient);
      }
    }
    if (this.#patients.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export const deadlines = new Deadlines();
