/** Settings as the sessions of a worker share them: what was made of control files a moment ago is good enough. */

/**
 * A session reads a dozen control files, and there may be a thousand sessions in a second: a change is seen after a tenth
 * of a second. For half of it the file is not looked at again, for the other half what was made of it is trusted.
 */
export const trustMs = 50;

interface Kept {
  readonly value: unknown;
  readonly at: number;
}

/** By the folder they were read in, then by name. */
const kept = new Map<string, Map<string, Kept>>();
const mostFolders = 100;

/** What `read` makes of the control files of `folder`, or has made of them less than `trustMs` ago under this name. */
export function settingsIn<Value>(
  folder: string,
  name: string,
  read: () => Promise<Value>,
): Promise<Value> | Value {
  const known = kept.get(folder)?.get(name);
  if (known !== undefined && performance.now() - known.at < trustMs) return known.value as Value;
  return readAnew(folder, name, read);
}

async function readAnew<Value>(folder: string, name: string, read: () => Promise<Value>): Promise<Value> {
  const at = performance.now();
  const value = await read();
  let there = kept.get(folder);
  if (there === undefined) {
    if (kept.size >= mostFolders) kept.clear();
    there = new Map();
    kept.set(folder, there);
  }
  there.set(name, { value, at });
  return value;
}
