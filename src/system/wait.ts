import { deadlines, type Patient } from "./deadlines.ts";
import { TimedOut } from "./system.ts";

/** The one who waits for the next bytes of an input, with a deadline or without. Made once for all reads of the input. */
export class Wait implements Patient {
  lateAt = Number.POSITIVE_INFINITY;
  watched = false;
  #give: ((chunk: Uint8Array | null) => void) | undefined;
  #fail: ((why: Error) => void) | undefined;
  readonly #tooLate: (() => void) | undefined;

  /** `tooLate` is told before the reader is. */
  constructor(tooLate?: () => void) {
    this.#tooLate = tooLate;
  }

  /** True while somebody waits. */
  get isOn(): boolean {
    return this.#give !== undefined;
  }

  /** Waits. Rejects with TimedOut after `seconds`. One at a time. */
  begin(seconds: number | undefined): Promise<Uint8Array | null> {
    if (seconds !== undefined) {
      this.lateAt = performance.now() + seconds * 1000;
      if (!this.watched) deadlines.watch(this);
    }
    return new Promise(this.#keep);
  }

  /** What was waited for, when anybody waits. */
  end(chunk: Uint8Array | null): void {
    const give = this.#give;
    this.#give = undefined;
    this.lateAt = Number.POSITIVE_INFINITY;
    give?.(chunk);
  }

  late(): void {
    this.#give = undefined;
    this.lateAt = Number.POSITIVE_INFINITY;
    this.#tooLate?.();
    this.#fail?.(new TimedOut());
  }

  readonly #keep = (give: (chunk: Uint8Array | null) => void, fail: (why: Error) => void): void => {
    this.#give = give;
    this.#fail = fail;
  };
}
