/**
 * The message as it comes after DATA: line ends CR LF become LF, the dot that the client put before a dot goes, and
 * CR LF . CR LF is the end, nothing else is. A line feed or a carriage return alone is no line end and no byte of a
 * message: servers that differ about it can be made to see an end where others see none. RFC 5321 §2.3.8, §4.5.2,
 * §4.1.1.4; qmail-smtpd.c keeps a CR alone, and we do not.
 */
import { decodeWholeLines } from "./whole-lines.ts";

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
    let at = from;
    let to = from;
    if (octets.length - from >= worthwhile && place <= atStart) {
      ({ at, to } = decodeWholeLines(octets, from, place === atStart));
      if (at > from) place = atStart;
    }
    // What is left is less than a line, the end, or wrong.
    while (at < octets.length) {
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

/** Fewer octets than these are looked at one by one. */
const worthwhile = 128;

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
