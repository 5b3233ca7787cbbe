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

  /**
   * Takes `chunk` from `from` on, up to its end or the end of the message. What is decoded takes no more room than what
   * came, and stays where it is: `content` is a part of the chunk, whose octets before `next` are used up.
   */
  take(chunk: Uint8Array, from = 0): Taken {
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let place = this.#place;
    let to = from;
    let closely = false;
    for (let at = from; at < octets.length; ) {
      if (!closely && place <= atStart) {
        const end = linesEnd(octets, at);
        if (end - at >= worthwhile) {
          const moved = moveLines(octets, to, at, end);
          to = moved.to;
          at = moved.at;
          place = atStart;
          if (moved.bareCarriageReturn) return this.#stop("bareCarriageReturn", octets, from, to, at);
          closely = at < end;
          continue;
        }
      }
      if (place === inLine) {
        const end = spanEnd(octets, at);
        octets.copyWithin(to, at, end);
        to += end - at;
        at = end;
        if (at === octets.length) break;
      }
      const octet = octets[at++];
      if (octet === lineFeed) {
        if (place === afterDotCr) return this.#stop("end", octets, from, to, at);
        if (place !== afterCr) return this.#stop("bareLineFeed", octets, from, to, at);
        octets[to++] = lineFeed;
        place = atStart;
      } else if (place === afterCr || place === afterDotCr) {
        return this.#stop("bareCarriageReturn", octets, from, to, at);
      } else if (octet === carriageReturn) {
        place = place === afterDot ? afterDotCr : afterCr;
      } else if (octet === dot && place === atStart) {
        place = afterDot;
      } else {
        octets[to++] = octet!;
        place = inLine;
      }
    }
    this.#place = place;
    return { content: octets.subarray(from, to), next: octets.length, found: "more" };
  }

  #stop(found: Stop, octets: Buffer, from: number, to: number, next: number): Taken {
    this.#place = atStart;
    return { content: octets.subarray(from, to), next, found };
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

/** How far moveLines() came: `at` in what came, `to` in what is decoded. */
interface Moved {
  readonly to: number;
  readonly at: number;
  readonly bareCarriageReturn: boolean;
}

/**
 * Moves the whole lines from `at` to `end` down to `to`, with LF for CR LF. Stops before a line whose LF has no CR, to be
 * looked at closely. As text, lines would cost more to be collected than to be made.
 */
function moveLines(octets: Buffer, to: number, at: number, end: number): Moved {
  const start = to;
  const from = at;
  while (at < end) {
    const lf = octets.indexOf(lineFeed, at);
    if (lf === at || octets[lf - 1] !== carriageReturn) break;
    octets.copyWithin(to, at, lf - 1);
    to += lf - 1 - at;
    octets[to++] = lineFeed;
    at = lf + 1;
  }
  const moved = octets.subarray(start, to);
  const bare = moved.indexOf(carriageReturn);
  if (bare < 0) return { to, at, bareCarriageReturn: false };
  // Where it came from: one CR went from each line before it. It is known to be alone by the octet behind it.
  let lines = 0;
  for (let lf = moved.indexOf(lineFeed); lf >= 0 && lf < bare; lf = moved.indexOf(lineFeed, lf + 1)) lines++;
  return { to: start + bare, at: from + bare + lines + 2, bareCarriageReturn: true };
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
