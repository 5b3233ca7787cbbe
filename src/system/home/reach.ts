/** Whether accounts other than root get to where they must, and no further. */
import { realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A home that other users have no way to, as a process in it sees it: whoever stands in a folder needs no way there.
 * All processes of the service are started in the home folder.
 */
export const homeFromWithin = "/proc/self/cwd";

/**
 * The first folder on the way to `path` (itself included, when it is a folder) that others cannot pass, in one line
 * that says what to do; undefined when there is none, or when we are not root: then nobody else has to.
 */
export function closedFolder(path: string): string | undefined {
  if (process.geteuid!() !== 0) return undefined;
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const file = statSync(at);
    if (file.isDirectory() && (file.mode & 0o001) === 0) {
      return `${at} lets nobody but its owner through, and programs of others that run as other users will not find ${path}: chmod o+x ${at}, or use another place`;
    }
    if (at === dirname(at)) return undefined;
  }
}

/** One line when everybody on this machine can read the key of the home's certificate; undefined when nobody else can. */
export function openKey(home: string): string | undefined {
  const path = join(home, "control", "servercert.pem");
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || (file.mode & 0o004) === 0) return undefined;
  return `${path} has a private key that everybody on this machine can read: chmod 600 ${path}`;
}
