/** Files as programs read them: small, often, and seldom changed. */

import { closeSync, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { appendFile, type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CannotOpen, codeOf, type TemporaryFile } from "./system.ts";

interface Kept {
  readonly stamp: string | undefined;
  readonly bytes: Uint8Array | undefined;
  /** When the file was last looked at. */
  at: number;
}

const kept = new Map<string, Kept>();
const keptOctets = 1 << 20;
const keptFiles = 1000;

/**
 * The bytes of a file, or undefined when it does not exist. The same object as long as the file is unchanged,
 * so that what is derived from it can be remembered by it. What was seen less than `trustMs` ago is not looked at
 * again. `name` is its full path. Throws CannotOpen.
 */
export function readFileCached(path: string, name = path, trustMs = 0): Uint8Array | undefined {
  const before = kept.get(name);
  const now = performance.now();
  if (before !== undefined && now - before.at < trustMs) return before.bytes;
  try {
    // Most settings are not set: to be told so is to cost no error with its stack.
    const there = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (there === undefined) {
      keep(name, { stamp: undefined, bytes: undefined, at: now });
      return undefined;
    }
    if (before !== undefined && stampOf(there) === before.stamp) {
      before.at = now;
      return before.bytes;
    }
    const fd = openSync(path, "r");
    try {
      const stamp = stampOf(fstatSync(fd, { bigint: true }));
      const bytes = readFileSync(fd);
      if (bytes.length <= keptOctets) keep(name, { stamp, bytes, at: now });
      return bytes;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    throw new CannotOpen(name, code, { cause: error });
  }
}

function keep(name: string, what: Kept): void {
  if (kept.size >= keptFiles) kept.clear();
  kept.set(name, what);
}

/** Adds to a file, and makes it, for its owner alone, when there is none. Throws CannotOpen. */
export async function appendToFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await appendFile(path, bytes, { mode: 0o600 });
  } catch (error) {
    throw new CannotOpen(path, codeOf(error), { cause: error });
  }
}

function stampOf(file: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return `${file.ino}.${file.size}.${file.mtimeNs}.${file.ctimeNs}`;
}

/** Cryptography is 2 MB, and few processes make such files. */
const uniqueName = () => process.getBuiltinModule("node:crypto").randomUUID();

/** A file nobody else can find: unlinked as soon as it is open. */
export class UnlinkedFile implements TemporaryFile {
  readonly handle: FileHandle;
  #at = 0;

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  static async create(): Promise<UnlinkedFile> {
    const path = join(tmpdir(), `acceptutils.${uniqueName()}`);
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return new UnlinkedFile(handle);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { bytesWritten } = await this.handle.write(bytes, 0, bytes.length, this.#at);
    this.#at += bytesWritten;
    if (bytesWritten < bytes.length) await this.write(bytes.subarray(bytesWritten));
  }

  async read(): Promise<Uint8Array> {
    const bytes = Buffer.alloc(await this.size());
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.handle.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; ; ) {
      const chunk = Buffer.allocUnsafeSlow(65536);
      const { bytesRead } = await this.handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async size(): Promise<number> {
    return (await this.handle.stat()).size;
  }

  close(): void {
    void this.handle.close().catch(() => {});
  }
}

/** Up to here a file is worth no system call. */
const heldOctets = 128 * 1024;
/** And larger ones as long as all that this process holds is no more than this. */
const heldTogetherOctets = 64 * 1024 * 1024;
let heldTogether = 0;

/** A temporary file that is one when it must be: when it grows, or when a process is to have it. */
export class HeldFile implements TemporaryFile {
  #parts: Uint8Array[] = [];
  #octets = 0;
  #file: Promise<UnlinkedFile> | undefined;

  async write(bytes: Uint8Array): Promise<void> {
    const room =
      this.#octets + bytes.length <= heldOctets || heldTogether + bytes.length <= heldTogetherOctets;
    if (this.#file === undefined && room) {
      this.#parts.push(bytes);
      this.#octets += bytes.length;
      heldTogether += bytes.length;
      return;
    }
    await (await this.file()).write(bytes);
  }

  async read(): Promise<Uint8Array> {
    if (this.#file !== undefined) return (await this.#file).read();
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.#file !== undefined) yield* (await this.#file).chunks();
    else yield* this.#parts;
  }

  async size(): Promise<number> {
    return this.#file === undefined ? this.#octets : (await this.#file).size();
  }

  close(): void {
    this.#letGo();
    void this.#file?.then((file) => file.close()).catch(() => {});
  }

  /** The real file, with all that was written. From now on there is no other. */
  file(): Promise<UnlinkedFile> {
    this.#file ??= this.#spill();
    return this.#file;
  }

  async #spill(): Promise<UnlinkedFile> {
    const file = await UnlinkedFile.create();
    const parts = this.#letGo();
    for (const part of parts) await file.write(part);
    return file;
  }

  #letGo(): readonly Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    heldTogether -= this.#octets;
    this.#octets = 0;
    return parts;
  }
}
