/**
 * Line ends that are not CR LF. Servers disagree about them, which is what SMTP smuggling lives on.
 * RFC 5321 §2.3.8: CR and LF appear only together.
 */

const lf = 0x0a;
const cr = 0x0d;

/** Looks for a CR or LF that stands alone, across any cut. */
export class LineEnds {
  #afterCr = false;

  /** The place in `bytes`, from `start` to `end`, that shows that one does; undefined when none is known to. */
  firstBad(bytes: Buffer, start: number, end: number): number | undefined {
    let at = start;
    if (this.#afterCr && at < end) {
      if (bytes[at] !== lf) return at;
      at += 1;
      this.#afterCr = false;
    }
    while (at < end) {
      const nextCr = within(bytes.indexOf(cr, at), end);
      const nextLf = within(bytes.indexOf(lf, at), end);
      if (nextLf !== undefined && (nextCr === undefined || nextLf < nextCr)) return nextLf;
      if (nextCr === undefined) return undefined;
      at = nextCr + 1;
      this.#afterCr = at === end;
      if (this.#afterCr) return undefined; // not known yet
      if (nextLf !== at) return at;
      at += 1;
    }
    return undefined;
  }
}

const within = (place: number, end: number) => (place === -1 || place >= end ? undefined : place);
