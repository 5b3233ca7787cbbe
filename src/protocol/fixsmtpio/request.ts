/** Requests of an SMTP client, taken from a stream. */
import { lowerCase } from "./rule.ts";

/** The longest command line anybody needs is an AUTH of 12,288 octets (RFC 4954 §4); this is room for five. */
export const maximumRequestOctets = 65_536;

const cr = 0x0d;
const space = 0x20;

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
  const verb = lowerCase(bytes.toString("latin1", start, stop));
  // These two are what fixsmtpio itself sees happen. A client that says so does not make it so.
  return verb === "timeout" || verb === "clienteof" ? "" : verb;
}

/** The octets that follow a BDAT request, RFC 3030 §2; 0 when it is not one that a server would understand. */
export function chunkOctets(bytes: Buffer, start: number, end: number): number {
  const [, size] =
    /^BDAT +([0-9]{1,12})(?: +LAST)? *\r?\n$/i.exec(bytes.toString("latin1", start, end)) ?? [];
  return Number(size ?? 0);
}
