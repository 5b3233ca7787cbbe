/**
 * A function of WebAssembly, assembled here: it decodes whole lines of a message, sixteen octets at a time, which JavaScript has no
 * words for. In C:
 *
 *     int decode(char *end, int atStart) {
 *       char *from = SOURCE, *to = DECODED;
 *       for (;;) {
 *         wholeFrom = from, wholeTo = to;                              // all before this were whole lines
 *         if (atStart && from[0] == '.') if (from[1] == CR) break; else from++;
 *         atStart = 1;
 *         for (; from < end && *from != CR && *from != LF; ) *to++ = *from++;
 *         if (from + 1 >= end || from[0] != CR || from[1] != LF) break;
 *         *to++ = LF, from += 2;
 *       }
 *       *(int *) LENGTH = wholeTo - DECODED;
 *       return wholeFrom - SOURCE;
 *     }
 *
 * The inner loop reads and writes up to fifteen octets too far; there is room. Source: WebAssembly Core Specification 2.0, chapter 5.
 */

/** Where in the memory: the length of what was decoded, what is to be decoded, and what became of it. */
export const at = { length: 0, source: 16, decoded: 0x10_100 } as const;
/** How much can be decoded at once. */
export const mostOctets = 0x10_000;

const lineFeed = 10;
const carriageReturn = 13;
const dot = 46;

/** A number as modules have it (signed LEB128, which is unsigned LEB128 as well below 64). None is negative. */
function leb(value: number): number[] {
  const rest = value >> 7;
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...leb(rest)];
}

// Locals; the first two are the parameters.
const sourceEnd = 0;
const atStart = 1;
const from = 2;
const to = 3;
const wholeFrom = 4;
const wholeTo = 5;
const found = 6;
const octets = 7;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const constant = (value: number) => [0x41, ...leb(value)];
const block = [0x02, 0x40];
const loop = [0x03, 0x40];
const when = [0x04, 0x40];
const end = 0x0b;
/** To the end of a block, or the beginning of a loop: of the innermost, or so many further out. */
const go = (outward: number) => [0x0c, outward];
const goIf = (outward: number) => [0x0d, outward];
const isZero = 0x45;
const isEqual = 0x46;
const isOther = 0x47;
const isNotBelow = 0x4f;
const trailingZeros = 0x68;
const plus = 0x6a;
const minus = 0x6b;
const load8 = (offset: number) => [0x2d, 0, offset];
const load16 = [0x2f, 0, 0];
const store = [0x36, 2, 0];
const store8 = [0x3a, 0, 0];
const load128 = [0xfd, 0, 0, 0];
const store128 = [0xfd, 11, 0, 0];
/** Which of the sixteen octets are `octet`. */
const which = (octet: number) => [...get(octets), 0xfd, 12, ...Array(16).fill(octet), 0xfd, 35];
const either = [0xfd, 80];
const asBits = [0xfd, 100];
const forward = (local: number, by: readonly number[]) => [...get(local), ...by, plus, ...set(local)];

const body = [
  ...[...constant(at.source), ...set(from), ...constant(at.decoded), ...set(to)],
  ...block,
  ...loop, // a line
  ...[...get(from), ...set(wholeFrom), ...get(to), ...set(wholeTo)],
  ...block,
  ...[...get(atStart), isZero, ...goIf(0)],
  ...[...get(from), ...load8(0), ...constant(dot), isOther, ...goIf(0)],
  ...[...get(from), ...load8(1), ...constant(carriageReturn), isEqual, ...goIf(2)],
  ...forward(from, constant(1)),
  end,
  ...[...constant(1), ...set(atStart)],
  ...loop, // sixteen octets of it
  ...[...get(from), ...get(sourceEnd), isNotBelow, ...goIf(2)],
  ...[...get(to), ...get(from), ...load128, ...tee(octets), ...store128],
  ...[...which(carriageReturn), ...which(lineFeed), ...either, ...asBits, ...tee(found), isZero],
  ...when,
  ...[...forward(from, constant(16)), ...forward(to, constant(16)), ...go(1)],
  end,
  ...[...forward(from, [...get(found), trailingZeros]), ...forward(to, [...get(found), trailingZeros])],
  ...[...get(from), ...constant(1), plus, ...get(sourceEnd), isNotBelow, ...goIf(2)],
  ...[...get(from), ...load16, ...constant(lineFeed * 256 + carriageReturn), isOther, ...goIf(2)],
  ...[...get(to), ...constant(lineFeed), ...store8],
  ...[...forward(from, constant(2)), ...forward(to, constant(1)), ...go(1)],
  ...[end, end, end],
  ...[...constant(at.length), ...get(wholeTo), ...constant(at.decoded), minus, ...store],
  ...[...get(wholeFrom), ...constant(at.source), minus],
  end,
];

const i32 = 0x7f;
const v128 = 0x7b;
const sized = (bytes: readonly number[]) => [...leb(bytes.length), ...bytes];
const named = (name: string) => sized([...Buffer.from(name)]);
const code = sized([2, 5, i32, 1, v128, ...body]);

/** The module: exports `decode` and its `memory`. */
export const wholeLinesModule = Uint8Array.from([
  ...[0, ...Buffer.from("asm"), 1, 0, 0, 0],
  ...[1, ...sized([1, 0x60, 2, i32, i32, 1, i32])], // the function's type
  ...[3, ...sized([1, 0])],
  ...[5, ...sized([1, 1, 3, 3])], // the memory: three pages of 64 KiB
  ...[7, ...sized([2, ...named("decode"), 0, 0, ...named("memory"), 2, 0])],
  ...[10, ...sized([1, ...code])],
]);
