/**
 * Memory for secrets. An array of up to 64 octets lies where V8 collects garbage: it is moved about, and each place that
 * it has left keeps the octets until something else is put there. One that has a buffer of its own stays where it is, so
 * that fill(0) leaves nothing. Neither Buffer.from() nor Buffer.alloc() nor Uint8Array.from() gives that.
 */
export function wipeable(octets: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(octets));
}

export function wipeableCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = wipeable(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Octets `from` to `to` as latin1 text. Buffer.from(bytes) would leave a copy of all of them behind. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", from, to);
}
