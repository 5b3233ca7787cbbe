/**
 * A message that comes in chunks and goes on as the content of DATA: octets become dot-stuffed lines with an end.
 * RFC 3030 §2, RFC 5321 §4.5.2
 */
import { LineEnds } from "./line-ends.ts";
import type { Outgoing } from "./unread.ts";

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
const dottedLine = Buffer.from("\n.");

/** What came last. */
type Last = "CR" | "LF" | "CR LF" | "inside";

export class ChunkedMessage {
  #last: Last = "CR LF";
  readonly #lineEnds: LineEnds | undefined;

  /** A strict one stops at the first CR or LF that stands alone. */
  constructor(strict: boolean) {
    this.#lineEnds = strict ? new LineEnds() : undefined;
  }

  /** Passes on a piece of a chunk. False when it has a CR or LF that stands alone, and must not. */
  pass(bytes: Buffer, start: number, end: number, to: Outgoing): boolean {
    const bad = this.#lineEnds?.firstBad(bytes, start, end);
    const stop = bad ?? end;
    to.passWithDots(bytes, start, stop, dotted(bytes, start, stop, this.#last));
    this.#last = lastOf(bytes, start, stop, this.#last);
    return bad === undefined;
  }

  /** Ends it. False when its last byte is a CR alone, and it must not. */
  end(to: Outgoing): boolean {
    if (this.#lineEnds !== undefined && this.#last === "CR") return false;
    to.say(this.#last === "CR LF" ? ".\r\n" : "\r\n.\r\n");
    return true;
  }
}

/** The places of the dots that begin a line. Not only after CR LF: to some servers a dot between two bare LF is an end. */
function dotted(bytes: Buffer, start: number, end: number, before: Last): readonly number[] {
  const places: number[] = [];
  if (before.endsWith("LF") && bytes[start] === dot && start < end) places.push(start);
  const first = bytes.indexOf(dottedLine, start);
  if (first === -1) return places;
  for (let at = first + 1; at < end; at++) {
    if (bytes[at] === dot && bytes[at - 1] === lf) places.push(at);
  }
  return places;
}

function lastOf(bytes: Buffer, start: number, end: number, before: Last): Last {
  if (start === end) return before;
  const last = bytes[end - 1];
  if (last === cr) return "CR";
  if (last !== lf) return "inside";
  const afterCr = end - 2 < start ? before === "CR" : bytes[end - 2] === cr;
  return afterCr ? "CR LF" : "LF";
}
