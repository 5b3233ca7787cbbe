/** Replies of an SMTP server, taken from a stream. RFC 5321 §4.2 */
import { Unread } from "./unread.ts";

/** Room for the longest reply: 128 lines of the length RFC 5321 §4.5.3.1.5 allows. */
export const maximumReplyOctets = 65_536;

const hyphen = 0x2d;

/** A reply of one or more whole lines, where it lies. */
export interface Reply {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export class ReplyReader {
  readonly #unread = new Unread();
  #line = 0;

  push(chunk: Uint8Array): void {
    const line = this.#line - this.#unread.at;
    const carried = this.#unread.octets > 0;
    this.#unread.push(chunk);
    this.#line = carried ? line : 0;
  }

  /** The next whole reply. It ends with the first line that does not announce another, whatever it looks like. */
  next(): Reply | undefined {
    const unread = this.#unread;
    for (;;) {
      const end = unread.lineEnd(this.#line);
      if (end === -1) return undefined;
      const more = announcesMore(unread.bytes, this.#line, end);
      this.#line = end;
      if (more) continue;
      const reply = { bytes: unread.bytes, start: unread.at, end };
      unread.use(end);
      return reply;
    }
  }

  /** True when the server goes on without an end. */
  get tooLong(): boolean {
    return this.#unread.octets > maximumReplyOctets;
  }

  /** What is left when the server is gone: lines of a reply without its end. */
  rest(): Reply | undefined {
    const { bytes, at, octets } = this.#unread;
    this.#unread.use(bytes.length);
    return octets === 0 ? undefined : { bytes, start: at, end: bytes.length };
  }

  forget(): void {
    this.#unread.forget();
    this.#line = 0;
  }
}

/** Three digits and a hyphen: another line follows. */
function announcesMore(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start > 4 &&
    bytes[start + 3] === hyphen &&
    isDigit(bytes[start]!) &&
    isDigit(bytes[start + 1]!) &&
    isDigit(bytes[start + 2]!)
  );
}

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;

/** The lines of a reply as latin1, each with its line end; only the very last may be without. */
export function linesOf({ bytes, start, end }: Reply): readonly string[] {
  return bytes.toString("latin1", start, end).match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

export const textOf = ({ bytes, start, end }: Reply): string => bytes.toString("latin1", start, end);

export function replyOf(text: string): Reply {
  const bytes = Buffer.from(text, "latin1");
  return { bytes, start: 0, end: bytes.length };
}

/** True when the reply's code, that of its last line, begins with `code`. */
export function hasCode({ bytes, start, end }: Reply, code: string): boolean {
  const newline = end - 2 < start ? -1 : bytes.lastIndexOf(0x0a, end - 2);
  return bytes.toString("latin1", Math.max(start, newline + 1), end).startsWith(code);
}
