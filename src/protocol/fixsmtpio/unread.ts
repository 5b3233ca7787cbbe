/** Bytes that came and are not used yet. Whole chunks are looked at where they are; only a cut piece is copied. */

const lf = 0x0a;
const dot = 0x2e;
const none = Buffer.alloc(0);

export class Unread {
  /** What is here; used up to `at`. */
  bytes: Buffer = none;
  at = 0;
  /** No line end before this place. */
  #searched = 0;

  get octets(): number {
    return this.bytes.length - this.at;
  }

  push(chunk: Uint8Array): void {
    const view = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.octets === 0) {
      this.bytes = view;
      this.#searched = 0;
    } else {
      this.#searched -= this.at;
      this.bytes = Buffer.concat([this.bytes.subarray(this.at), view]);
    }
    this.at = 0;
  }

  /** Where the line that starts at `start` ends, after its LF; -1 when its end has not come yet. */
  lineEnd(start: number): number {
    const from = Math.max(start, this.#searched);
    const found = this.bytes.indexOf(lf, from);
    this.#searched = found === -1 ? this.bytes.length : found;
    return found + 1 || -1;
  }

  /** The bytes from `at` to `end` are used. A chunk that is used up is let go: the next may be long in coming. */
  use(end: number): void {
    if (end === this.bytes.length) this.forget();
    else this.at = end;
  }

  /** The bytes from `at` on are not used after all. */
  putBack(bytes: Buffer, at: number): void {
    this.bytes = bytes;
    this.at = at;
    this.#searched = at;
  }

  forget(): void {
    this.bytes = none;
    this.at = 0;
    this.#searched = 0;
  }
}

/** Bytes on their way out of one read: pieces of what came, left where they are, and words of our own. */
export class Outgoing {
  #pieces: Uint8Array[] = [];
  #from: Buffer = none;
  #start = 0;
  #end = 0;

  /** Passes on a piece as it came. Neighbours stay one piece. */
  pass(bytes: Buffer, start: number, end: number): void {
    if (bytes === this.#from && start === this.#end) {
      this.#end = end;
      return;
    }
    this.#close();
    this.#from = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** Passes on a piece with a dot before each of these places in it, ascending. */
  passWithDots(bytes: Buffer, start: number, end: number, places: readonly number[]): void {
    if (places.length === 0) {
      this.pass(bytes, start, end);
      return;
    }
    this.#close();
    // One copy, not two pieces for each dot: there can be as many as lines of three octets.
    const copy = Buffer.allocUnsafe(end - start + places.length);
    let to = 0;
    let from = start;
    for (const place of places) {
      while (from < place) copy[to++] = bytes[from++]!;
      copy[to++] = dot;
    }
    bytes.copy(copy, to, from, end);
    this.#pieces.push(copy);
  }

  /** Adds words, as latin1. */
  say(text: string): void {
    if (text === "") return;
    this.#close();
    this.#pieces.push(Buffer.from(text, "latin1"));
  }

  /** All of it as one piece, and starts anew; undefined when there is nothing. */
  take(): Uint8Array | undefined {
    this.#close();
    const pieces = this.#pieces;
    if (pieces.length === 0) return undefined;
    this.#pieces = [];
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  #close(): void {
    const whole = this.#start === 0 && this.#end === this.#from.length;
    if (this.#end > this.#start) {
      this.#pieces.push(whole ? this.#from : this.#from.subarray(this.#start, this.#end));
    }
    this.#from = none;
    this.#start = 0;
    this.#end = 0;
  }
}
