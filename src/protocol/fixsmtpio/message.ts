/**
 * Finds the end of a message in the stream: CR LF . CR LF and nothing else, however it is cut.
 *
 * Some servers take LF . LF, or a mix, for the end too; what follows would then be commands to them (SMTP smuggling).
 * So a line that only such a server could take for the end gets one more dot, as RFC 5321 §4.5.2 stuffs lines.
 */

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
const dottedLine = Buffer.from("\n.");

/** Where in a line the stream is. */
type Place =
  | "inside"
  | "after CR"
  | "at its start"
  | "after a bare LF"
  | "after its dot"
  | "after its dot and CR";

/** What a piece of the message is: where to put dots, and where the message ends, if it does. */
export interface Scanned {
  /** Places before which a dot is missing, ascending. */
  readonly dotsBefore: readonly number[];
  /** The place after the end of the message; undefined when it goes on. */
  readonly end: number | undefined;
}

export class MessageScanner {
  #place: Place = "at its start";

  /** Looks at `bytes` from `start` to their end, or to the end of the message. */
  scan(bytes: Buffer, start: number): Scanned {
    const dotsBefore: number[] = [];
    let at = start;
    while (at < bytes.length) {
      if (this.#place === "inside" || this.#place === "after CR") {
        // Only a line that begins with a dot can matter: the others are passed over at once.
        const newline = bytes.indexOf(dottedLine, at);
        if (newline === -1) {
          this.#place = this.#placeAfter(bytes, at, bytes.length);
          break;
        }
        this.#place = this.#placeAfter(bytes, at, newline + 1);
        at = newline + 1;
        continue;
      }
      const byte = bytes[at]!;
      if (this.#place === "after its dot and CR" && byte === lf) return { dotsBefore, end: at + 1 };
      if (this.#place === "after its dot" && byte === lf) dotsBefore.push(at);
      if (this.#place === "after a bare LF" && byte === dot) dotsBefore.push(at);
      this.#place = next(this.#place, byte);
      at += 1;
    }
    return { dotsBefore, end: undefined };
  }

  /** The place after the bytes from `from` to `to`, which lie inside a line or end it. */
  #placeAfter(bytes: Buffer, from: number, to: number): Place {
    const last = bytes[to - 1];
    if (last === cr) return "after CR";
    if (last !== lf) return "inside";
    const afterCr = to - 2 < from ? this.#place === "after CR" : bytes[to - 2] === cr;
    return afterCr ? "at its start" : "after a bare LF";
  }
}

/** The place after one more byte, at the start of a line or soon after it. */
function next(place: Place, byte: number): Place {
  if (byte === lf) return "after a bare LF";
  if (byte === cr) return place === "after its dot" ? "after its dot and CR" : "after CR";
  return byte === dot && place === "at its start" ? "after its dot" : "inside";
}
