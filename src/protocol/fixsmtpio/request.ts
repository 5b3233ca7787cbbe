/** Requests of an SMTP client, taken from a stream. */
import type { OwnAnswer } from "./expected.ts";
import { LineEnds } from "./line-ends.ts";
import { lowerCase } from "./rule.ts";
import type { Options } from "./settings.ts";
import type { Unread } from "./unread.ts";

/** The longest command line anybody needs is an AUTH of 12,288 octets (RFC 4954 §4); this is room for five. */
export const maximumRequestOctets = 65_536;

const cr = 0x0d;
const space = 0x20;

/** A request line, where it lies. */
export interface Request {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly event: string;
}

export class RequestReader {
  readonly #unread: Unread;
  readonly #options: Options;
  #count = 0;

  constructor(unread: Unread, options: Options) {
    this.#unread = unread;
    this.#options = options;
  }

  /** The next request, or why it is refused; undefined when there is no whole one. */
  next(): Request | OwnAnswer | undefined {
    const { bytes, at: start } = this.#unread;
    const end = this.#unread.lineEnd(start);
    const octets = (end === -1 ? bytes.length : end) - start;
    if (octets > (this.#options.maximumRequestOctets ?? maximumRequestOctets)) return "line too long";
    if (end === -1) return undefined;
    this.#count += 1;
    if (this.#count > (this.#options.maximumRequests ?? Number.POSITIVE_INFINITY)) return "too many requests";
    this.#unread.use(end);
    const event = eventOf(bytes, start, end);
    if (this.#options.strictLineEnds && new LineEnds().firstBad(bytes, start, end) !== undefined) {
      return event === "bdat" ? "bad chunk" : "bare CR or LF";
    }
    return { bytes, start, end, event };
  }

  /** It is for another time: it comes again. */
  putBack({ bytes, start }: Request): void {
    this.#count -= 1;
    this.#unread.putBack(bytes, start);
  }
}

/** As nearly every client writes them. */
const usual: ReadonlyMap<string, string> = new Map(
  "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT STARTTLS AUTH BDAT"
    .split(" ")
    .map((verb) => [verb, lowerCase(verb)]),
);

/**
 * The event a request line is: its bytes before the first space, or before its line end, in lower case.
 * An empty one matches no rule.
 */
export function eventOf(bytes: Buffer, start: number, end: number): string {
  let stop = bytes.indexOf(space, start);
  if (stop === -1 || stop >= end) {
    stop = end - 1;
    if (stop > start && bytes[stop - 1] === cr) stop -= 1;
  }
  const said = bytes.toString("latin1", start, stop);
  const verb = usual.get(said) ?? lowerCase(said);
  // These two are what fixsmtpio itself sees happen. A client that says so does not make it so.
  return verb === "timeout" || verb === "clienteof" ? "" : verb;
}
