/** Netstrings: `3:abc,` stands for the three octets `abc`. Source: netstrings.txt */
import { wipeable, wipeableCopy } from "../wipeable.ts";

/** The octets as a netstring. */
export function netstring(octets: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${octets.length}:`), octets, Buffer.from(",")]);
}

/** What comes as netstrings, however the bytes are cut. What was taken over is wiped. */
export class NetstringReader {
  readonly #longest: number;
  #bytes: Uint8Array = new Uint8Array(0);

  /** `longest`: octets that a netstring may stand for. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Takes the next bytes over. */
  push(bytes: Uint8Array): void {
    if (this.#bytes.length === 0) {
      this.#bytes = bytes;
      return;
    }
    const all = wipeable(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes.fill(0);
    bytes.fill(0);
    this.#bytes = all;
  }

  /** The next octets, in memory of their own; undefined when more bytes must come; "broken" when these are none. */
  next(): Uint8Array | "broken" | undefined {
    const bytes = this.#bytes;
    let length = 0;
    let at = 0;
    for (; at < bytes.length && bytes[at] !== colon; at++) {
      const digit = bytes[at]! - zero;
      // One text for each length: no zeros in front.
      if (digit < 0 || digit > 9 || (at === 1 && length === 0)) return "broken";
      length = length * 10 + digit;
      if (length > this.#longest) return "broken";
    }
    if (at === bytes.length) return undefined;
    if (at === 0) return "broken";
    const end = at + 1 + length;
    if (end >= bytes.length) return undefined;
    if (bytes[end] !== comma) return "broken";
    const octets = wipeableCopy(bytes.subarray(at + 1, end));
    bytes.fill(0, 0, end + 1);
    this.#bytes = bytes.subarray(end + 1);
    return octets;
  }
}

const zero = 0x30;
const colon = 0x3a;
const comma = 0x2c;
