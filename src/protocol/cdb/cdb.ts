/**
 * Constant databases: a file of keys and data that is looked up with two reads and replaced as a whole. tcprules,
 * qmail-newmrh and ofmipname make them. Source: cdb(5): 256 tables of (hash, position), then records between them.
 */

const headerOctets = 2048;
const tables = 256;

/** The file is cut short or no cdb at all. */
export class BrokenCdb extends Error {
  override readonly name = "BrokenCdb";
}

/** Looks up keys in the bytes of a cdb file. Keys and data are latin1 text. Throws BrokenCdb. */
export class Cdb {
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    if (bytes.length < headerOctets) throw new BrokenCdb("shorter than its header");
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The data of the first record with this key; undefined when there is none. */
  get(key: string): string | undefined {
    for (const data of this.all(key)) return data;
    return undefined;
  }

  /** The data of all records with this key, in the order they were written. */
  *all(key: string): Generator<string> {
    const wanted = Buffer.from(key, "latin1");
    const hash = hashOf(wanted);
    const table = this.#number((hash % tables) * 8);
    const slots = this.#number((hash % tables) * 8 + 4);
    for (let tried = 0; tried < slots; tried++) {
      const slot = table + (((hash >>> 8) + tried) % slots) * 8;
      const position = this.#number(slot + 4);
      if (position === 0) return;
      if (this.#number(slot) !== hash) continue;
      const start = position + 8;
      const keyEnd = start + this.#number(position);
      const end = keyEnd + this.#number(position + 4);
      if (end > this.#bytes.length) throw new BrokenCdb("a record leads beyond the end");
      if (this.#bytes.subarray(start, keyEnd).equals(wanted))
        yield this.#bytes.toString("latin1", keyEnd, end);
    }
  }

  #number(at: number): number {
    if (at + 4 > this.#bytes.length) throw new BrokenCdb("a table leads beyond the end");
    return this.#bytes.readUInt32LE(at);
  }
}

/** The bytes of a cdb file with these records, in this order. Throws RangeError beyond 4 GiB. */
export function cdbBytes(records: Iterable<readonly [key: string, data: string]>): Uint8Array {
  const parts: Buffer[] = [];
  const slots: { hash: number; position: number }[][] = Array.from({ length: tables }, () => []);
  let position = headerOctets;
  for (const [keyText, dataText] of records) {
    const key = Buffer.from(keyText, "latin1");
    const data = Buffer.from(dataText, "latin1");
    const hash = hashOf(key);
    slots[hash % tables]?.push({ hash, position });
    parts.push(numbers(key.length, data.length), key, data);
    position += 8 + key.length + data.length;
  }
  const header: number[] = [];
  for (const entries of slots) {
    // Twice as many slots as entries: a search ends soon at an empty one.
    const size = entries.length * 2;
    const table = new Array<number>(size * 2).fill(0);
    for (const { hash, position: record } of entries) {
      let slot = (hash >>> 8) % size;
      while (table[slot * 2 + 1] !== 0) slot = (slot + 1) % size;
      table[slot * 2] = hash;
      table[slot * 2 + 1] = record;
    }
    header.push(position, size);
    parts.push(numbers(...table));
    position += size * 8;
  }
  return Buffer.concat([numbers(...header), ...parts]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4);
  return bytes;
}

function hashOf(key: Uint8Array): number {
  let hash = 5381;
  for (const octet of key) hash = (((hash << 5) + hash) ^ octet) >>> 0;
  return hash;
}
