/** Message filters: each reads one message and writes one. Composition is one line, and reads as a pipe. */

/** Reads one message, writes one message: stdin and stdout of a qmail-qfilter(1) filter. */
export type Stage = (message: AsyncIterable<Uint8Array>, context: Context) => AsyncIterable<Uint8Array>;

export interface Context {
  readonly env: { get(name: string): string | undefined };
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** `pipe(a, b)` is `a | b`. */
export const pipe =
  (...stages: Stage[]): Stage =>
  (message, context) =>
    stages.reduce((upstream, stage) => stage(upstream, context), message);
