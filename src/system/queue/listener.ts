import { chmodSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";
import { peerOf } from "../native.ts";
import { connection, fdOf } from "../stream.ts";
import { codeOf, type Input, type Output } from "../system.ts";

/** A program that has connected to the queue's socket. */
export interface QueueClient {
  readonly input: Input;
  readonly output: Output;
  /** Of whoever connected; the kernel says so, not he. */
  readonly uid: number;
}

/** More connections than this are turned away: a client then writes into the queue itself, or tries later. */
const maximumConnections = 4000;

/** So many of them may be one user's, who could keep all others out else. Root and ourselves run the service: they may have all. */
const mostOfOne = 1000;

/** How many connections each user has. */
export class Places {
  readonly #free: ReadonlySet<number>;
  readonly #taken = new Map<number, number>();

  /** `free`: users who are not counted. */
  constructor(free: readonly number[]) {
    this.#free = new Set(free);
  }

  /** False when the user has as many as one may have. What was taken is given back by leave(). */
  take(uid: number): boolean {
    const taken = this.#taken.get(uid) ?? 0;
    if (taken >= mostOfOne && !this.#free.has(uid)) return false;
    this.#taken.set(uid, taken + 1);
    return true;
  }

  leave(uid: number): void {
    const taken = (this.#taken.get(uid) ?? 0) - 1;
    if (taken > 0) this.#taken.set(uid, taken);
    else this.#taken.delete(uid);
  }
}

/**
 * Listens at `path`, where any local user may connect: any local user may queue mail. What a qmail-send that was
 * killed has left there is removed: the caller holds the lock. Throws the system's error.
 */
export async function listenForMessages(path: string, serve: (client: QueueClient) => void): Promise<Server> {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const places = new Places([0, process.getuid!()]);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const fd = fdOf(socket);
    if (fd === undefined) return socket.destroy();
    const { uid } = peerOf(fd);
    if (!places.take(uid)) return socket.destroy();
    socket.once("close", () => places.leave(uid));
    return serve({ ...connection(socket), uid });
  });
  server.maxConnections = maximumConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: 1024 }, resolve);
  });
  chmodSync(path, 0o666);
  chmodSync(dirname(path), 0o711);
  return server;
}
