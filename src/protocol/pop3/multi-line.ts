/**
 * A stored message (lines end with LF) as a multi-line response (RFC 1939 §3): CR LF, a dot doubled at the start of a
 * line, and qmail-pop3d's extra empty line before the last dot.
 */

const lineFeed = 10;
const dot = 46;
const end = "\r\n.\r\n";

/** CR LF for each LF, and a dot more for a line that begins with one; of the first line that is not known here. */
function stuffed(text: string): string {
  const wire = text.replaceAll("\n", "\r\n");
  return text.includes("\n.") ? wire.replaceAll("\n.", "\n..") : wire;
}

/** What ends the response; a last line without an end gets one. */
const endAfter = (lineEnded: boolean) => (lineEnded ? end : `\r\n${end}`);

/** The response to RETR for a message that is there as a whole: `first` is its first line, with its end. */
export function wholeResponse(first: string, message: Uint8Array): Uint8Array {
  const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString("latin1");
  const wire = stuffed(text);
  const dotted = text.startsWith(".") ? `.${wire}` : wire;
  return Buffer.from(first + dotted + endAfter(text === "" || text.endsWith("\n")), "latin1");
}

/** Turns one message, in chunks, into the response after its first line. */
export class MultiLine {
  /** Lines of the body that may still be sent. */
  #left: number;
  #inHeader = true;
  #atStart = true;
  #lineEmpty = true;
  /** TOP had all it wanted: the rest need not be read. */
  complete = false;

  /** `bodyLines`: as TOP asks; undefined for all. */
  constructor(bodyLines: number | undefined) {
    this.#left = bodyLines ?? Number.POSITIVE_INFINITY;
  }

  /** What to send for the next chunk of the message. */
  push(chunk: Uint8Array): Uint8Array {
    return this.#left === Number.POSITIVE_INFINITY ? this.#whole(chunk) : this.#counted(chunk);
  }

  /** Nobody counts lines: all of them at once. */
  #whole(chunk: Uint8Array): Uint8Array {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    let wire = stuffed(text);
    if (this.#atStart && text.startsWith(".")) wire = `.${wire}`;
    if (text !== "") this.#atStart = text.endsWith("\n");
    return Buffer.from(wire, "latin1");
  }

  #counted(chunk: Uint8Array): Uint8Array {
    // Twice the chunk: were every octet a LF or a dot.
    const out = Buffer.allocUnsafe(chunk.length * 2);
    let length = 0;
    for (let at = 0; at < chunk.length && !this.complete; ) {
      if (this.#atStart) {
        if (!this.#inHeader && this.#left-- <= 0) {
          this.complete = true;
          break;
        }
        this.#atStart = false;
        this.#lineEmpty = true;
        if (chunk[at] === dot) out[length++] = dot;
      }
      const found = chunk.indexOf(lineFeed, at);
      const stop = found < 0 ? chunk.length : found;
      if (stop > at) {
        this.#lineEmpty = false;
        out.set(chunk.subarray(at, stop), length);
        length += stop - at;
      }
      at = stop;
      if (found >= 0) {
        length += out.write("\r\n", length, "latin1");
        at++;
        this.#atStart = true;
        if (this.#lineEmpty) this.#inHeader = false;
      }
    }
    return out.subarray(0, length);
  }

  /** What ends the response. */
  finish(): Uint8Array {
    return Buffer.from(endAfter(this.#atStart || this.complete), "latin1");
  }
}
