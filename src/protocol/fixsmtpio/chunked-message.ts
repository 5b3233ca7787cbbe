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

export class ChunkedMessage {
  #last: "CR" | "LF" | "CR LF" | "inside" = "CR LF";
  readonly #lineEnds: LineEnds | undefined;

  /** A strict one stops at the first CR or LF that stands alone. */
  constructor(strict: boolean) {
    this.#lineEnds = strict ? new LineEnds() : undefined;
  }

  /** Passes on a piece of a chunk. False when it has a CR or LF that stands alone, and must not. */
  pass(bytes: Buffer, start: number, end: number, to: Outgoing): boolean {
    const bad = this.#lineEnds?.firstBad(bytes, start, end);
    const stop = bad ?? end;
    let from = start;
    // Not only after CR LF: to some servers a dot between two bare LF ends a message.
    let dotAt = this.#last.endsWith("LF") && bytes[start] === dot ? start : undefined;
    for (;;) {
      if (dotAt !== undefined && dotAt < stop) {
        to.pass(bytes, from, dotAt);
        to.say(".");
        from = dotAt;
      }
      const line = bytes.indexOf(dottedLine, from);
      if (line === -1 || line + 1 >= stop) break;
      dotAt = line + 1;
    }
    to.pass(bytes, from, stop);
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

function lastOf(bytes: Buffer, start: number, end: number, before: "CR" | "LF" | "CR LF" | "inside") {
  if (start === end) return before;
  const last = bytes[end - 1];
  if (last === cr) return "CR";
  if (last !== lf) return "inside";
  const afterCr = end - 2 < start ? before === "CR" : bytes[end - 2] === cr;
  return afterCr ? "CR LF" : "LF";
}
