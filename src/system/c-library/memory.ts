/** Memory as C has it, for the libraries of this folder. Nothing here is called from a worker that serves sessions. */

export const ffi = () => process.getBuiltinModule("node:ffi");

/** `text` (latin1) as C has it: ended by NUL. Throws RangeError when there is one within. */
export function cString(text: string): Buffer {
  if (text.includes("\0")) throw new RangeError("a NUL in a text for C");
  return Buffer.from(`${text}\0`, "latin1");
}

/** The same for octets that are not to become text. The buffer is to be wiped. */
export function cBytes(bytes: Uint8Array): Buffer {
  const buffer = Buffer.alloc(bytes.length + 1);
  buffer.set(bytes);
  return buffer;
}

/** The text at `pointer`, which lies in `memory`, as latin1; empty for NULL. */
export function textIn(memory: Buffer, pointer: bigint): string {
  if (pointer === 0n) return "";
  const from = Number(pointer - ffi().getRawPointer(memory));
  if (from < 0 || from >= memory.length) throw new RangeError("a pointer that leads elsewhere");
  return memory.toString("latin1", from, memory.indexOf(0, from));
}
