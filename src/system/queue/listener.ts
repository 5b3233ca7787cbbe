import { chmodSync, closeSync, openSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { peerOf } from "../native.ts";
import { connection } from "../stream.ts";
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
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const fd = (socket as Socket & { _handle?: { fd: number } | null })._handle?.fd;
    if (fd === undefined) return socket.destroy();
    return serve({ ...connection(socket), uid: peerOf(fd).uid });
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

/** There can be one qmail-send for a queue. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

/** Keeps every other qmail-send away from the queue in `folder` until this process ends, however it ends. */
export function lockQueue(folder: string): void {
  // Node.js has no flock(2), but SQLite locks its files.
  const path = join(folder, "lock.sqlite");
  closeSync(openSync(path, "a", 0o600)); // or another user could hold it
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version = 1; COMMIT;");
  } catch (cause) {
    db.close();
    throw new AlreadyRunning("another qmail-send has the queue", { cause });
  }
  locks.push(db);
}

/** Referenced, so that nobody collects and closes them. */
const locks: DatabaseSync[] = [];
