/**
 * The message as it comes after DATA: line ends CR LF become LF, the dot that the client put before a dot goes, and
 * CR LF . CR LF is the end, nothing else is. A line feed or a carriage return alone is no line end and no byte of a
 * message: servers that differ about it can be made to see an end where others see none. RFC 5321 §2.3.8, §4.5.2,
 * §4.1.1.4; qmail-smtpd.c keeps a CR alone, and we do not.
 */

/** What one call found. `content` is to be stored; `next` is where in the chunk the decoder stopped. */
export interface Taken {
  readonly content: Uint8Array;
  readonly next: number;
  readonly found: "more" | Stop;
}

/** The end, or what may not be in a message. */
type Stop = "end" | "bareLineFeed" | "bareCarriageReturn";

const lineFeed = 10;
const carriageReturn = 13;
const dot = 46;

/** Where in a line the decoder is. */
const inLine = 0;
const atStart = 1;
const afterDot = 2; // held back: a dot
const afterDotCr = 3; // the end, if a line feed comes
const afterCr = 4; // held back: a CR
type Place = typeof inLine | typeof atStart | typeof afterDot | typeof afterDotCr | typeof afterCr;

/** Decodes one message. The state between chunks is one of five places in a line. */
export class DataDecoder {
  // DATA ended with CR LF: a dot that comes first may be the end already.
  #place: Place = atStart;

  /** Takes `chunk` from `from` on, up to its end or the end of the message. `content` is the caller's. */
  take(chunk: Uint8Array, from = 0): Taken {
    const content = Buffer.allocUnsafeSlow(chunk.length - from);
    const source = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let place = this.#place;
    let length = 0;
    let closely = false;
    for (let at = from; at < source.length; ) {
      if (!closely && place <= atStart) {
        const end = linesEnd(source, at);
        if (end - at >= worthwhile) {
          const written = linesInto(content, length, source.subarray(at, end));
          if (written === undefined) closely = true;
          else {
            length = written;
            at = end;
            place = atStart;
            continue;
          }
        }
      }
      if (place === inLine) {
        const end = spanEnd(source, at);
        length += source.copy(content, length, at, end);
        at = end;
        if (at === source.length) break;
      }
      const octet = source[at++];
      if (octet === lineFeed) {
        if (place === afterDotCr) return this.#stop("end", content, length, at);
        if (place !== afterCr) return this.#stop("bareLineFeed", content, length, at);
        content[length++] = lineFeed;
        place = atStart;
      } else if (place === afterCr || place === afterDotCr) {
        return this.#stop("bareCarriageReturn", content, length, at);
      } else if (octet === carriageReturn) {
        place = place === afterDot ? afterDotCr : afterCr;
      } else if (octet === dot && place === atStart) {
        place = afterDot;
      } else {
        content[length++] = octet!;
        place = inLine;
      }
    }
    this.#place = place;
    return { content: content.subarray(0, length), next: source.length, found: "more" };
  }

  #stop(found: Stop, content: Buffer, length: number, next: number): Taken {
    this.#place = atStart;
    return { content: content.subarray(0, length), next, found };
  }
}

/** From so many octets on, looking at all lines at once beats looking at each. */
const worthwhile = 512;
const dottedLine = Buffer.from("\n.");

/** The place after the last line that ends here and begins with no dot of the client's. */
function linesEnd(source: Buffer, from: number): number {
  if (source.length - from < worthwhile || source[from] === dot) return from;
  const dotted = source.indexOf(dottedLine, from);
  return (dotted >= 0 ? dotted : source.lastIndexOf(lineFeed)) + 1;
}

/**
 * Whole lines with LF for CR LF, into `content` from `to` on. Returns where they end there; undefined when a CR or LF stands
 * alone in them, to be looked at closely. In place: as text they would cost more to be collected than to be made.
 */
function linesInto(content: Buffer, to: number, lines: Buffer): number | undefined {
  content.set(lines, to);
  let length = to;
  const end = to + lines.length;
  for (let at = to; at < end; ) {
    const lf = content.indexOf(lineFeed, at);
    if (lf === at || content[lf - 1] !== carriageReturn) return undefined;
    content.copyWithin(length, at, lf - 1);
    length += lf - 1 - at;
    content[length++] = lineFeed;
    at = lf + 1;
  }
  return content.subarray(to, length).includes(carriageReturn) ? undefined : length;
}

/** Where the octets end that are neither CR nor LF. Most lines are short: looking at each octet beats a call. */
function spanEnd(source: Uint8Array, from: number): number {
  let at = from;
  while (at < source.length) {
    const octet = source[at];
    if (octet === lineFeed || octet === carriageReturn) return at;
    at++;
  }
  return at;
}
