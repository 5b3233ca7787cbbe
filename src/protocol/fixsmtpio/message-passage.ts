/** One message on its way from the client to the server, up to its end and not a byte further. */
import { LineEnds } from "./line-ends.ts";
import { MessageScanner } from "./message.ts";
import type { Outgoing, Unread } from "./unread.ts";

/** What passed on of what came, and how the message stands. */
export interface Passed {
  /** The bytes that were used, as the client sent them. */
  readonly bytes: Buffer;
  readonly now: "goes on" | "has ended" | "has a bare CR or LF";
}

export class MessagePassage {
  readonly #scanner = new MessageScanner();
  readonly #lineEnds: LineEnds | undefined;

  /** A strict one stops at the first CR or LF that stands alone. */
  constructor(strict: boolean) {
    this.#lineEnds = strict ? new LineEnds() : undefined;
  }

  /** Passes on what belongs to the message, with the dots that keep any server from another idea of its end. */
  pass(from: Unread, to: Outgoing): Passed {
    const { bytes, at } = from;
    const { dotsBefore, end } = this.#scanner.scan(bytes, at);
    const whole = end ?? bytes.length;
    const bad = this.#lineEnds?.firstBad(bytes, at, whole);
    const stop = bad ?? whole;
    to.passWithDots(
      bytes,
      at,
      stop,
      bad === undefined ? dotsBefore : dotsBefore.filter((place) => place <= bad),
    );
    from.use(stop);
    const now = bad !== undefined ? "has a bare CR or LF" : end !== undefined ? "has ended" : "goes on";
    return { bytes: bytes.subarray(at, stop), now };
  }
}
