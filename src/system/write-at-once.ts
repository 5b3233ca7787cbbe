/** Writing without a stream's bookkeeping, as long as the kernel has room. */
import { writeSync } from "node:fs";
import type { Writable } from "node:stream";

/**
 * Writes the first `octets` of `bytes` to the descriptor of a socket. Returns how many are written: what is left is for the
 * stream, which waits for room, or finds out that nobody is there. None while something waits there already.
 */
export function writeAtOnce(
  socket: Writable,
  fd: number | undefined,
  bytes: Uint8Array,
  octets: number,
): number {
  // Of a socket that was destroyed the descriptor is somebody else's.
  if (fd === undefined || fd < 0 || socket.destroyed || socket.writableLength > 0) return 0;
  try {
    return writeSync(fd, bytes, 0, octets);
  } catch {
    return 0;
  }
}
