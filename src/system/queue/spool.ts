/** Messages that are too large for a row of the queue: each a file of its own in `mess`. */
import { closeSync, openSync, readdirSync, readSync, statSync, unlinkSync } from "node:fs";
import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { readAgainInto } from "../read-buffer.ts";
import { codeOf } from "../system.ts";
import { giveToOwner } from "./owner.ts";

/** Octets up to which a message stays in its row: above, a file costs less than the log of SQLite. */
export const maximumRowOctets = 128 * 1024;

const gatherOctets = 256 * 1024;

/** Makes a file, and the folder of such files when this is the first. */
async function openIn(mess: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  await mkdir(mess, { mode: 0o700 });
  giveToOwner(join(mess, ".."), mess);
  return open(path, "wx", 0o600);
}

/** A file that is being filled. It is nobody's until the queue names it. */
export class SpoolFile {
  readonly name: string;
  readonly #folder: string;
  readonly #handle: FileHandle;
  #gathered: Uint8Array[] = [];
  #octets = 0;
  #lent: Uint8Array[] = [];

  private constructor(folder: string, name: string, handle: FileHandle) {
    this.#folder = folder;
    this.name = name;
    this.#handle = handle;
  }

  /** Makes an empty file in `mess` under `folder`. Throws the system's error. */
  static async create(folder: string): Promise<SpoolFile> {
    const mess = join(folder, "mess");
    const name = process.getBuiltinModule("node:crypto").randomUUID();
    const path = join(mess, name);
    const handle = await openIn(mess, path);
    giveToOwner(folder, path);
    return new SpoolFile(mess, name, handle);
  }

  /** Adds octets, which must not be changed afterwards. undefined: there is room for more at once. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#gathered.push(bytes);
    this.#octets += bytes.length;
    return this.#octets < gatherOctets ? undefined : this.#write();
  }

  /** What was added last were views of `chunk`, and there are no others: once that is written, its memory may be used again. */
  lend(chunk: Uint8Array): void {
    this.#lent.push(chunk);
  }

  /** Everything, and the name of the file, is on disk when this resolves. */
  async finish(): Promise<void> {
    await this.#write();
    await this.#handle.sync();
    await this.#handle.close();
    const folder = await open(this.#folder);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** The message did not come about. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await unlink(join(this.#folder, this.name)).catch(() => {});
  }

  async #write(): Promise<void> {
    let rest = this.#gathered;
    const lent = this.#lent;
    this.#gathered = [];
    this.#lent = [];
    this.#octets = 0;
    while (rest.length > 0) {
      let { bytesWritten } = await this.#handle.writev(rest);
      const first = rest.findIndex((part) => {
        if (part.length > bytesWritten) return true;
        bytesWritten -= part.length;
        return false;
      });
      rest = first < 0 ? [] : [rest[first]!.subarray(bytesWritten), ...rest.slice(first + 1)];
    }
    lent.forEach(readAgainInto);
  }
}

/** Reads a file of `mess` in chunks. Throws the system's error. */
export async function* readSpooled(folder: string, name: string): AsyncGenerator<Uint8Array> {
  const handle = await open(join(folder, "mess", name));
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(gatherOctets);
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The first octets of a file of `mess`. Throws the system's error. */
export function headOfSpooled(folder: string, name: string, octets: number): Uint8Array {
  const fd = openSync(join(folder, "mess", name), "r");
  try {
    const head = Buffer.alloc(octets);
    return head.subarray(0, readSync(fd, head, 0, octets, 0));
  } finally {
    closeSync(fd);
  }
}

/** Removes a file whose message is no longer in the queue. */
export async function removeSpooled(folder: string, name: string): Promise<void> {
  await unlink(join(folder, "mess", name)).catch(() => {});
}

/** As in qmail: a file that nobody owns after 36 hours belongs to a qmail-queue that was killed. */
const abandonedAfterMs = 36 * 3600 * 1000;

/** Removes files that no message of the queue names and nobody can still be writing. */
export function sweepSpool(folder: string, named: Iterable<string>, now: number): void {
  const known = new Set(named);
  const mess = join(folder, "mess");
  for (const name of readdirSync(mess)) {
    if (known.has(name)) continue;
    const path = join(mess, name);
    if (statSync(path).mtimeMs < now - abandonedAfterMs) unlinkSync(path);
  }
}
