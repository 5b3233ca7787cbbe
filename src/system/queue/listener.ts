import { chmodSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
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
