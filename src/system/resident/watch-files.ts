/** Notices when files were replaced or written, however that is done: rename, symbolic link, in place. */
import { type FSWatcher, statSync, unwatchFile, watch, watchFile } from "node:fs";
import { dirname } from "node:path";

/** Files are written one after the other: certificate, then key. */
const settleMs = 200;
/** Where the kernel gives no notice. */
const pollMs = 5000;

export interface Watch {
  close(): void;
}

/** Calls `changed` after any of `files` became another than it was. Keeps no process alive. */
export function watchFiles(files: readonly string[], changed: () => void): Watch {
  let last = stampOf(files);
  let settling: NodeJS.Timeout | undefined;
  const look = () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      const now = stampOf(files);
      if (now === last) return;
      last = now;
      changed();
    }, settleMs).unref();
  };
  const watchers: FSWatcher[] = [];
  const polled: string[] = [];
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    try {
      watchers.push(watch(folder, { persistent: false }, look).on("error", () => {}));
    } catch {
      polled.push(...files.filter((file) => dirname(file) === folder));
    }
  }
  for (const file of polled) watchFile(file, { interval: pollMs, persistent: false }, look);
  return {
    close: () => {
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
      for (const file of polled) unwatchFile(file, look);
    },
  };
}

/** What tells one content from another; a file that is away is another, too. */
export function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const found = statSync(file, { bigint: true, throwIfNoEntry: false });
      return found === undefined
        ? "-"
        : `${found.dev}.${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}`;
    })
    .join(" ");
}
