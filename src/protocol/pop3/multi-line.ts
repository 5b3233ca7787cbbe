/**
 * A stored message (lines end with LF) as a multi-line response (RFC 1939 §3): CR LF, a dot doubled at the start of a
 * line, and qmail-pop3d's extra empty line before the last dot.
 */

const end = "\r\n.\r\n";

/** CR LF for each LF, and a dot more for a line that begins with one; of the first line that is not known here. */
function stuffed(text: string): string {
  const wire = text.replaceAll("\n", "\r\n");
  return text.includes("\n.") ? wire.replaceAll("\n.", "\n..") : wire;
}

/** What ends the response; a last line without an end gets one. */
const endAfter = (lineEnded: boolean) => (lineEnded ? end : `\r\n${end}`);

const textOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** The response to RETR for a message that is there as a whole, as latin1 text: `first` is its first line, with its end. */
export function wholeResponse(first: string, message: Uint8Array): string {
  const text = textOf(message);
  const wire = stuffed(text);
  const dotted = text.startsWith(".") ? `.${wire}` : wire;
  return first + dotted + endAfter(text === "" || text.endsWith("\n"));
}

/** Turns one message, in chunks, into the response after its first line, as latin1 text. */
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
  push(chunk: Uint8Array): string {
    const text = textOf(chunk);
    return this.#left === Number.POSITIVE_INFINITY ? this.#whole(text) : this.#counted(text);
  }

  /** Nobody counts lines: all of them at once. */
  #whole(text: string): string {
    const wire = stuffed(text);
    const dotted = this.#atStart && text.startsWith(".") ? `.${wire}` : wire;
    if (text !== "") this.#atStart = text.endsWith("\n");
    return dotted;
  }

  #counted(text: string): string {
    let wire = "";
    for (let at = 0; at < text.length && !this.complete; ) {
      if (this.#atStart) {
        if (!this.#inHeader && this.#left-- <= 0) {
          this.complete = true;
          break;
        }
        this.#atStart = false;
        this.#lineEmpty = true;
        if (text[at] === ".") wire += ".";
      }
      const found = text.indexOf("\n", at);
      const stop = found < 0 ? text.length : found;
      if (stop > at) this.#lineEmpty = false;
      wire += text.slice(at, stop);
      at = stop;
      if (found >= 0) {
        wire += "\r\n";
        at++;
        this.#atStart = true;
        if (this.#lineEmpty) this.#inHeader = false;
      }
    }
    return wire;
  }

  /** What ends the response. */
  finish(): string {
    return endAfter(this.#atStart || this.complete);
  }
}
