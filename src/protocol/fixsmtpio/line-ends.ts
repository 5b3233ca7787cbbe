/**
 * Line ends that are not CR LF. Servers disagree about them, which is what SMTP smuggling lives on.
 * RFC 5321 §2.3.8: CR and LF appear only together.
 */

const lf = 0x0a;
const cr = 0x0d;

/** Looks for a CR or LF that stands alone, across any cut. */
export class LineEnds {
  #afterCr = false;

  /** True when there is none up to now, in the bytes from `start` to `end`. A last CR counts with what follows it. */
  areClean(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    if (this.#afterCr && at < end) {
      if (bytes[at] !== lf) return false;
      at += 1;
      this.#afterCr = false;
    }
    while (at < end) {
      const nextCr = within(bytes.indexOf(cr, at), end);
      const nextLf = within(bytes.indexOf(lf, at), end);
      if (nextCr === undefined) return nextLf === undefined;
      if (nextCr + 1 === end) {
        this.#afterCr = true;
        return nextLf === undefined;
      }
      if (nextLf !== nextCr + 1) return false;
      at = nextLf + 1;
    }
    return true;
  }
}

const within = (place: number, end: number) => (place === -1 || place >= end ? undefined : place);
