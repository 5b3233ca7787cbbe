/** Files that are there as a whole or not at all, whatever happens meanwhile. */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../system.ts";

/** Who a file belongs to. Only root can say so; for anybody else all files are his own. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Placement {
  readonly mode: number;
  readonly owner?: Owner | undefined;
}

/**
 * Puts `content` (latin1 text or bytes) in the place of the file `path`, on disk when this returns.
 * Throws Busy when somebody else is doing so at this moment.
 */
export function replaceFile(path: string, content: string | Uint8Array, placement: Placement): void {
  changeFile(path, placement, () => content);
}

/** As replaceFile, with content that is asked for when nobody else can change the file any more. */
export function changeFile(
  path: string,
  { mode, owner }: Placement,
  content: () => string | Uint8Array,
): void {
  const next = `${path}.new`;
  let fd: number;
  try {
    fd = openSync(next, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw new Busy(next);
    throw error;
  }
  try {
    writeFileSync(fd, content(), "latin1");
    if (owner !== undefined) giveTo(owner, (uid, gid) => fchownSync(fd, uid, gid));
    fchmodSync(fd, mode);
    fsyncSync(fd);
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(path));
}

/** Makes the file, unless there is one. Returns whether it was made. */
export function makeFile(path: string, content: string | Uint8Array, placement: Placement): boolean {
  if (existsSync(path)) return false;
  rmSync(`${path}.new`, { force: true }); // left by an attempt that was cut short
  replaceFile(path, content, placement);
  return true;
}

/** Makes the folder, unless there is one. Returns whether it was made. */
export function makeFolder(path: string, { mode, owner }: Placement): boolean {
  if (existsSync(path)) return false;
  mkdirSync(path);
  chmodSync(path, mode); // whatever the umask is
  if (owner !== undefined) giveTo(owner, (uid, gid) => chownSync(path, uid, gid));
  return true;
}

function giveTo({ uid, gid }: Owner, give: (uid: number, gid: number) => void): void {
  if (process.geteuid!() === 0) give(uid, gid);
}

function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Two commands want to change one file. */
export class Busy extends Error {
  override readonly name = "Busy";
  readonly path: string;
  constructor(path: string) {
    super(`${path} is there: another command is changing the file, or was cut short and it can be removed`);
    this.path = path;
  }
}
