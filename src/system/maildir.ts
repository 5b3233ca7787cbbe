/**
 * Maildirs. A message is written to tmp, flushed, and renamed into new, so that new has whole messages only.
 * Source: maildir(5).
 *
 * Delivering once: the name comes from the queue, and before the message is renamed a second link to it, NAME.done,
 * is made in tmp. Whoever finds the link and no tmp/NAME knows that the message went into new, even if its owner has
 * read, moved or removed it since. The queue says when the link is not needed any more.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writevSync,
} from "node:fs";
import { join } from "node:path";
import { syncFileSystem } from "./native.ts";
import { codeOf } from "./system.ts";

const folders = ["tmp", "new", "cur"] as const;

/** Makes a Maildir where there is none. Throws the system's error: ENOENT when there is no such home. */
export function makeMaildir(maildir: string): void {
  if (existsSync(join(maildir, "new")) && existsSync(join(maildir, "tmp"))) return;
  for (const path of [maildir, ...folders.map((folder) => join(maildir, folder))]) {
    try {
      mkdirSync(path, 0o700);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
}

/** One message on its way into a Maildir. Every call waits for the disk and throws the system's error. */
export class MaildirDelivery {
  readonly maildir: string;
  readonly #tmp: string;
  readonly #done: string;
  readonly #new: string;
  readonly #name: string;
  #fd: number | undefined;
  #parts: Uint8Array[] = [];

  constructor(maildir: string, name: string) {
    this.maildir = maildir;
    this.#name = name;
    this.#tmp = join(maildir, "tmp", name);
    this.#done = `${this.#tmp}.done`;
    this.#new = join(maildir, "new", name);
  }

  /** True when an earlier try has put the message into new. */
  isDelivered(): boolean {
    if (existsSync(this.#new)) return true;
    if (existsSync(this.#done) && !existsSync(this.#tmp)) return true;
    const cur = join(this.maildir, "cur");
    return readdirSync(cur).some((name) => name === this.#name || name.startsWith(`${this.#name}:`));
  }

  /** Adds octets, which must not be changed before flush(). */
  write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    if (this.#parts.length >= 16) this.writeOut();
  }

  /** The message is on disk, in tmp. */
  flush(): void {
    this.flushWith(fsyncSync);
  }

  /** As flush(), when `sync` brings to disk what was written to the descriptor it gets. */
  flushWith(sync: (fd: number) => void): void {
    this.writeOut();
    if (this.#fd === undefined) return;
    sync(this.#fd);
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** The message is in new; syncNew() makes that last. */
  publish(): void {
    linkSync(this.#tmp, this.#done);
    renameSync(this.#tmp, this.#new);
  }

  /** The queue knows that the message was delivered. */
  forget(): void {
    remove(this.#done);
  }

  /** The message does not come. */
  discard(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    remove(this.#done); // first: alone it would say that the message was delivered
    remove(this.#tmp);
  }

  #open(): number {
    try {
      return openSync(this.#tmp, "wx", 0o600);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    // A try was cut short. The link goes first, as in discard().
    remove(this.#done);
    remove(this.#tmp);
    return openSync(this.#tmp, "wx", 0o600);
  }

  /** Everything is in the file, and not necessarily on disk. */
  writeOut(): void {
    if (this.#parts.length === 0) return;
    if (this.#fd === undefined) {
      this.#fd = this.#open();
    }
    for (let rest = this.#parts; rest.length > 0; ) {
      let written = writevSync(this.#fd, rest);
      const first = rest.findIndex((part) => {
        if (part.length > written) return true;
        written -= part.length;
        return false;
      });
      rest = first < 0 ? [] : [rest[first]!.subarray(written), ...rest.slice(first + 1)];
    }
    this.#parts = [];
  }
}

/** From so many messages on, one flush of the file system costs less than one for each. */
const worthOneFlush = 4;

/** Has many messages for one Maildir on disk, in tmp, as flush() does for one. Throws for all what went wrong with one. */
export function flushTogether(deliveries: readonly MaildirDelivery[]): void {
  if (deliveries.length < worthOneFlush) {
    for (const delivery of deliveries) delivery.flush();
    return;
  }
  for (const delivery of deliveries) delivery.writeOut();
  let done = false;
  const sync = (fd: number) => {
    if (!done) syncFileSystem(fd);
    done = true;
  };
  for (const delivery of deliveries) delivery.flushWith(sync);
}

/** What was published so far survives the loss of power. */
export function syncNew(maildir: string): void {
  const fd = openSync(join(maildir, "new"), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
