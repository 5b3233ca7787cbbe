/**
 * Memory of large messages, given back as soon as the message was handed on. Left to the collector, ten megabytes make V8 look
 * through its whole heap more than once.
 */

/** Smaller chunks are not worth it. */
const worthwhileOctets = 16 * 1024;

const passing = new WeakSet<ArrayBufferLike>();

/** All of `chunk` is content that passes through this process, and in one piece: who hands it on may give its memory back. */
export function passesThrough(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (chunk.length >= worthwhileOctets && chunk.length === buffer.byteLength) passing.add(buffer);
}

/** `bytes` were handed on: if they only passed through here, all that still lead there are empty from now on. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (passing.delete(buffer)) (buffer as ArrayBuffer).transfer(0);
}
