import { deadlines, type Patient } from "./deadlines.ts";
import { TimedOut } from "./system.ts";

/** On whose behalf somebody waits. */
export interface Waiting {
  /** Told before the reader is. */
  tooLate(): void;
}

/** The one who waits for the next bytes of an input, with a deadline or without. Made once for all reads of the input. */
export class Wait implements Patient {
  lateAt = Number.POSITIVE_INFINITY;
  watched = false;
  #give: ((chunk: Uint8Array | null) => void) | undefined;
  #fail: ((why: Error) => void) | undefined;
  readonly #for: Waiting | undefined;

  constructor(whom?: Waiting) {
    this.#for = whom;
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
    beginning = this;
    return new Promise(Wait.#keep);
  }

  /** What was waited for, when anybody waits. */
  end(chunk: Uint8Array | null): void {
    const give = this.#give;
    this.#give = undefined;
    this.#fail = undefined;
    this.lateAt = Number.POSITIVE_INFINITY;
    give?.(chunk);
  }

  late(): void {
    const fail = this.#fail;
    this.#give = undefined;
    this.#fail = undefined;
    this.lateAt = Number.POSITIVE_INFINITY;
    this.#for?.tooLate();
    fail?.(new TimedOut());
  }

  /** For the one that is beginning: a promise asks at once, and each waiting session would have such a function. */
  static readonly #keep = (give: (chunk: Uint8Array | null) => void, fail: (why: Error) => void): void => {
    beginning!.#give = give;
    beginning!.#fail = fail;
    beginning = undefined;
  };
}

let beginning: Wait | undefined;
