/** A Maildir as somebody reads it. Source: maildir(5); qmail's maildir.c. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "./system.ts";

/** A message in a Maildir. */
export interface MaildirFile {
  /** `new/NAME` or `cur/NAME`. Names are bytes: latin1 text. */
  readonly folder: "new" | "cur";
  readonly name: string;
  readonly sizeOctets: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** What is in tmp for longer was given up by whoever wrote it. */
const abandonedAfterMs = 36 * 3600 * 1000;
/** Files that are looked at before others have their turn. */
const filesPerTurn = 500;

/** What a Maildir had when it was looked at, by its path: a worker of one user has few. */
const known = new Map<string, Known>();
const knownMaildirs = 8;
/** Messages whose names are worth their place in memory. */
const knownMessages = 20_000;

interface Known {
  readonly stamp: string;
  readonly files: readonly MaildirFile[];
}

/** When tmp was last cleaned, in milliseconds since 1970: nobody needs what was given up to go at once. */
const cleaned = new Map<string, number>();
const cleanEveryMs = 60_000;

/**
 * The messages of a Maildir, the oldest first; the same list as long as neither new nor cur has changed, for a message does
 * not change in its place. What was forgotten in tmp is removed.
 * Throws the system's error when there is no new or cur, or they cannot be read.
 */
export async function scanMaildir(maildir: string, now: number): Promise<readonly MaildirFile[]> {
  if (Math.abs(now - (cleaned.get(maildir) ?? 0)) >= cleanEveryMs) {
    if (cleaned.size >= knownMaildirs) cleaned.clear();
    cleaned.set(maildir, now);
    cleanTmp(maildir, now);
  }
  const stamp = stampOf(maildir, now);
  const before = known.get(maildir);
  if (stamp !== undefined && before?.stamp === stamp) return before.files;
  const { files, whole } = await look(maildir, now);
  if (known.size >= knownMaildirs) known.clear();
  if (stamp !== undefined && whole && files.length <= knownMessages) known.set(maildir, { stamp, files });
  else known.delete(maildir);
  return files;
}

/** A folder that changed more recently may change again without its time telling. */
const settledMs = 2000;

/** What changes whenever a message comes to new or cur, or goes; undefined: it may not. */
function stampOf(maildir: string, now: number): string | undefined {
  let stamp = "";
  for (const folder of ["new", "cur"] as const) {
    const { dev, ino, mtimeNs, ctimeNs, ctimeMs } = statSync(`${maildir}/${folder}`, { bigint: true });
    if (Number(ctimeMs) > now - settledMs) return undefined;
    stamp += `${dev}.${ino}.${mtimeNs}.${ctimeNs} `;
  }
  return stamp;
}

/** `whole`: no file was passed over that may be a message another time. */
async function look(maildir: string, now: number): Promise<{ files: MaildirFile[]; whole: boolean }> {
  const files: MaildirFile[] = [];
  let whole = true;
  let looked = 0;
  for (const folder of ["new", "cur"] as const) {
    for (const name of readdirSync(join(maildir, folder), "latin1")) {
      if (name.startsWith(".")) continue;
      if (++looked % filesPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
      const stats = statOf(pathOf(maildir, { folder, name }));
      // A file from the future is one of a broken clock: it would come and go in the order.
      if (stats === undefined || Math.floor(stats.mtimeMs / 1000) > Math.floor(now / 1000)) whole = false;
      else files.push({ folder, name, sizeOctets: stats.size, modified: stats.mtimeMs });
    }
  }
  files.sort((a, b) => a.modified - b.modified || (a.name < b.name ? -1 : 1));
  return { files, whole };
}

function cleanTmp(maildir: string, now: number): void {
  try {
    for (const name of readdirSync(join(maildir, "tmp"))) {
      const path = join(maildir, "tmp", name);
      const stats = statOf(path);
      if (stats !== undefined && stats.atimeMs < now - abandonedAfterMs) unlinkSync(path);
    }
  } catch {
    // It can be read without tmp.
  }
}

function statOf(path: string | Buffer): Stats | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? stats : undefined;
  } catch (error) {
    // Another session has moved it, it is not for us, or it is a link to nowhere.
    if (["ENOENT", "EACCES", "ELOOP", "ENOTDIR"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** A name is bytes, which need not be UTF-8; most are ASCII, and then text is the shorter way. */
function pathOf(maildir: string, { folder, name }: Pick<MaildirFile, "folder" | "name">): string | Buffer {
  const path = `${maildir}/${folder}/`;
  if (ascii.test(name)) return path + name;
  return Buffer.concat([Buffer.from(path), Buffer.from(name, "latin1")]);
}

const ascii = /^[\x20-\x7e]*$/;

const readAsync = promisify(read);

/** A message up to this size is read in one go: cheaper than asking the thread pool four times. */
const atOnceOctets = 65536;
const chunkOctets = 65536;
/** For small messages, one after the other: memory outside of V8's heap, asked for anew each time, makes it collect. */
const small = Buffer.allocUnsafeSlow(atOnceOctets);

/**
 * The octets of a message: undefined when it cannot be opened, the whole when it is small, else chunks. The octets of a small
 * one are there until the next is read.
 * Chunks throw the system's error when the disk does.
 */
export function readMessage(
  maildir: string,
  file: MaildirFile,
): Uint8Array | AsyncIterable<Uint8Array> | undefined {
  // Opened here: whether it can be is known before anything is said of it.
  const opened = openOf(pathOf(maildir, file));
  if (opened === undefined) return undefined;
  const { fd, sizeOctets } = opened;
  if (sizeOctets !== file.sizeOctets) known.delete(maildir); // somebody has changed it in its place
  if (sizeOctets > atOnceOctets) return chunksOf(fd);
  try {
    let filled = 0;
    while (filled < sizeOctets) {
      const length = readSync(fd, small, filled, sizeOctets - filled, null);
      if (length === 0) break;
      filled += length;
    }
    return small.subarray(0, filled);
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Whoever can write into the Maildir may have put something else in a message's place since: a FIFO would be waited for. */
const withoutWaiting = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function openOf(path: string | Buffer): { readonly fd: number; readonly sizeOctets: number } | undefined {
  try {
    const fd = openSync(path, withoutWaiting);
    const stats = fstatSync(fd);
    if (stats.isFile()) return { fd, sizeOctets: stats.size };
    closeSync(fd);
    return undefined;
  } catch {
    return undefined;
  }
}

async function* chunksOf(fd: number): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await readAsync(
        fd,
        Buffer.allocUnsafeSlow(chunkOctets),
        0,
        chunkOctets,
        null,
      );
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(fd);
  }
}

/** Removes a message. False when that cannot be. */
export function removeMessage(maildir: string, file: MaildirFile): boolean {
  try {
    unlinkSync(pathOf(maildir, file));
    return true;
  } catch {
    return false;
  }
}

/** A message that was in new is no longer new. One that is gone meanwhile is none of our concern. */
export function moveToCur(maildir: string, file: MaildirFile): void {
  if (file.folder === "cur") return;
  try {
    renameSync(pathOf(maildir, file), pathOf(maildir, { folder: "cur", name: `${file.name}:2,` }));
  } catch {
    // It stays new.
  }
}

/** True when there is such a directory. */
export function isMaildir(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
