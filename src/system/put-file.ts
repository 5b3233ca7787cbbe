import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { codeOf, systemWords } from "./system.ts";

/** A file could not be put in its place; the message says which step failed, and why. */
export class CannotPut extends Error {
  override readonly name = "CannotPut";
}

/**
 * Writes `bytes` into the file `next` and moves it, on disk, to `path` on the same file system: who opens `path` finds
 * the old file or the new one, whole. Throws CannotPut.
 */
export function putFile(path: string, next: string, bytes: Uint8Array): void {
  attempt(`create ${next}`, () => {
    const fd = openSync(next, "w", 0o644);
    try {
      writeFileSync(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
  attempt(`move ${next} to ${path}`, () => renameSync(next, path));
}

function attempt(what: string, deed: () => void): void {
  try {
    deed();
  } catch (error) {
    throw new CannotPut(`unable to ${what}: ${systemWords(codeOf(error))}`, { cause: error });
  }
}
