/** Whole lines of a message, decoded sixteen octets at a time where this machine can. */
import { at, mostOctets, wholeLinesModule } from "./whole-lines-code.ts";

/** How far decodeWholeLines() came: `at` in what came, `to` in what is decoded. */
export interface Decoded {
  readonly at: number;
  readonly to: number;
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  decode(end: number, atStart: number): number;
}

/** The types of Node.js have none of it. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
}

class LineDecoder {
  readonly #decode: Exports["decode"];
  readonly #source: Uint8Array;
  readonly #decoded: Uint8Array;
  readonly #length: Uint32Array;

  /** Throws where there is no WebAssembly with vectors, or no room for it. */
  constructor() {
    const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
    const { memory, decode } = new engine.Instance(new engine.Module(wholeLinesModule)).exports;
    this.#decode = decode;
    this.#source = new Uint8Array(memory.buffer, at.source, mostOctets);
    this.#decoded = new Uint8Array(memory.buffer, at.decoded, mostOctets);
    this.#length = new Uint32Array(memory.buffer, at.length, 1);
  }

  /** Decodes lines of `octets` from `from` on; what they say goes to `to`, which is there or before. */
  decode(octets: Uint8Array, from: number, to: number, atStart: boolean): Decoded {
    const part = octets.subarray(from, from + mostOctets);
    this.#source.set(part);
    const taken = this.#decode(at.source + part.length, atStart ? 1 : 0);
    const length = this.#length[0]!;
    octets.set(this.#decoded.subarray(0, length), to);
    return { at: from + taken, to: to + length };
  }
}

/** Made for the first message; null where it cannot be. */
let decoder: LineDecoder | null | undefined;

function makeDecoder(): LineDecoder | null {
  try {
    return new LineDecoder();
  } catch {
    return null;
  }
}

/**
 * Decodes the lines that are whole in `octets`, from `from` on, where a line begins (`atStart`) or goes on. What is decoded stays
 * there. Stops before the end of the message, before a line that has a CR or an LF alone, and where WebAssembly is not to be had.
 */
export function decodeWholeLines(octets: Uint8Array, from: number, atStart: boolean): Decoded {
  if (decoder === undefined) decoder = makeDecoder();
  let decoded: Decoded = { at: from, to: from };
  while (decoder !== null) {
    const before = decoded.at;
    decoded = decoder.decode(octets, before, decoded.to, atStart || before > from);
    if (decoded.at === before || before + mostOctets >= octets.length) break;
  }
  return decoded;
}
