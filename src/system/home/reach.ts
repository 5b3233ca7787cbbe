/** Whether accounts other than root get to where they must: each folder on the way has to let them through. */
import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * The first folder on the way to `path` (itself included, when it is a folder) that others cannot pass, in one line
 * that says what to do; undefined when there is none, or when we are not root: then nobody else has to.
 */
export function closedFolder(path: string): string | undefined {
  if (process.geteuid!() !== 0) return undefined;
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const file = statSync(at);
    if (file.isDirectory() && (file.mode & 0o001) === 0) {
      return `${at} lets nobody but its owner through, and users other than root must reach ${path}: chmod o+x ${at}, or use another place`;
    }
    if (at === dirname(at)) return undefined;
  }
}
