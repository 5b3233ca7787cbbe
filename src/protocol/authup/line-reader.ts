/** Cuts what arrives into lines, one at a time: what comes after the last command must be known to be there. */
import { wipeable } from "../wipeable.ts";

const lf = 0x0a;
const cr = 0x0d;
const nothing = new Uint8Array(0);

export class LineReader {
  #chunk: Uint8Array = nothing;
  #at = 0;
  /** The beginning of a line whose end has not come yet. */
  #start: Uint8Array = nothing;
  #overlong = false;
  readonly #always: number;

  /** No line of up to `always` octets is too long, whatever it begins with. */
  constructor(always = 0) {
    this.#always = always;
  }

  /** Takes the next chunk over; the one before must have been read to its end. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next line without LF, and without one CR before it; "overlong" in the place of one that has more octets than
   * `longest` allows lines that begin so. Undefined when its end has not come: no more than `longest` is kept.
   * The bytes may be wiped.
   */
  next(longest: (head: Uint8Array) => number): Uint8Array | "overlong" | undefined {
    if (this.#at === this.#chunk.length) return undefined;
    const end = this.#chunk.indexOf(lf, this.#at);
    const piece = this.#chunk.subarray(this.#at, end < 0 ? this.#chunk.length : end);
    this.#at = end < 0 ? this.#chunk.length : end + 1;
    if (this.#at === this.#chunk.length) this.push(nothing); // the session may last longer than its memory should
    if (this.#overlong) piece.fill(0);
    else this.#append(piece, longest);
    if (end < 0) return undefined;
    const line = this.#start;
    const overlong = this.#overlong;
    this.#start = nothing;
    this.#overlong = false;
    if (overlong) return "overlong";
    return line.at(-1) === cr ? line.subarray(0, -1) : line;
  }

  /** True when something came that no line was made of yet. */
  get unread(): boolean {
    return this.#at < this.#chunk.length || this.#start.length > 0 || this.#overlong;
  }

  #append(piece: Uint8Array, longest: (head: Uint8Array) => number): void {
    const before = this.#start;
    if (before.length === 0) {
      this.#start = piece;
    } else {
      const both = wipeable(before.length + piece.length);
      both.set(before);
      both.set(piece, before.length);
      this.#start = both;
      before.fill(0);
      piece.fill(0);
    }
    const octets = this.#start.length - (this.#start.at(-1) === cr ? 1 : 0);
    if (octets <= this.#always || octets <= longest(this.#start)) return;
    this.#start.fill(0);
    this.#start = nothing;
    this.#overlong = true;
  }
}
