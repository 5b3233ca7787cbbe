/** Real descriptors that are read and written with waiting calls in the thread pool: nothing is ever read ahead. */
import { close, closeSync, openSync, read, write } from "node:fs";
import { wipeableCopy } from "../protocol/wipeable.ts";
import { deadlines } from "./deadlines.ts";
import { duplicateOnto, setBlocking } from "./native.ts";
import { Closed, codeOf, type Input, type Output, TimedOut } from "./system.ts";

const chunkOctets = 65536;
const shortOctets = 4096;

/** Reads descriptor `fd`, taking no more from it than each read() gives. */
export class DescriptorInput implements Input {
  readonly fd: number;
  #timedOut = false;
  /** Read into by the kernel; what is small is copied out of it. */
  #buffer = Buffer.allocUnsafeSlow(chunkOctets);

  constructor(fd: number) {
    this.fd = fd;
    setBlocking(fd);
  }

  read(timeoutSeconds?: number): Promise<Uint8Array | null> {
    if (this.#timedOut) return Promise.reject(new TimedOut());
    return new Promise((resolve, reject) => {
      const cancel =
        timeoutSeconds === undefined
          ? undefined
          : deadlines.after(timeoutSeconds, () => {
              this.#timedOut = true;
              reject(new TimedOut());
            });
      const buffer = this.#buffer;
      read(this.fd, buffer, 0, buffer.length, null, (error, length) => {
        cancel?.();
        // A connection that broke has nothing more to say, like one that ended.
        if (error) return broken.has(codeOf(error)) ? resolve(null) : reject(error);
        if (length === 0) return resolve(null);
        if (length <= shortOctets) {
          const came = buffer.subarray(0, length);
          const chunk = wipeableCopy(came);
          came.fill(0); // it may be a password
          return resolve(chunk);
        }
        this.#buffer = Buffer.allocUnsafeSlow(chunkOctets);
        return resolve(buffer.subarray(0, length));
      });
    });
  }

  close(): void {
    giveUp(this.fd);
  }
}

/** A number below 3 stays taken: of a connection that got it, Node.js would never close the descriptor. */
function giveUp(fd: number): void {
  if (fd > 2) {
    close(fd, () => {});
    return;
  }
  const nothing = openSync("/dev/null", "r+");
  duplicateOnto(nothing, fd);
  closeSync(nothing);
}

const broken = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EBADF", "ENOTCONN"]);

/** Writes descriptor `fd`, in order and whole. */
export class DescriptorOutput implements Output {
  readonly fd: number;
  #last: Promise<void> = Promise.resolve();
  #failed: Error | undefined;

  constructor(fd: number) {
    this.fd = fd;
    setBlocking(fd);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const done = this.#last.then(() => this.#writeAll(bytes));
    this.#last = done.catch((error: Error) => {
      this.#failed ??= error;
    });
    return done;
  }

  async flush(): Promise<void> {
    await this.#last;
  }

  close(): void {
    void this.#last.then(() => giveUp(this.fd));
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += await new Promise<number>((resolve, reject) => {
        write(this.fd, bytes, at, bytes.length - at, null, (error, written) => {
          if (error === null) resolve(written);
          else reject(broken.has(codeOf(error)) ? new Closed() : error);
        });
      });
    }
  }
}
