/** A folder and those on the way to it. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes the folder `path` and its parents, unless they are there. Throws the system's error.
 * Node.js has this as an option of mkdir, which tries without end where a parent is there and takes no folders: /proc.
 */
export function makeFolders(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (!existsSync(parent)) makeFolders(parent, mode);
  mkdirSync(path, { mode });
}
