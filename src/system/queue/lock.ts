/**
 * Two locks in the queue's folder, which the kernel gives back when their holders have ended, however they ended.
 * `lock` is qmail-send's. `agents.lock` is shared by all processes that qmail-send delivers with: one that was left
 * over could still be delivering what its successor takes up again.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "../native.ts";
import { giveToOwner } from "./owner.ts";

/** There can be one qmail-send for a queue. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

/** Keeps every other qmail-send away from the queue in `folder` as long as this process lives. Throws AlreadyRunning. */
export function lockQueue(folder: string): void {
  const fd = openIn(folder, "lock");
  if (tryLock(fd, "exclusive")) return; // and is never closed
  closeSync(fd);
  throw new AlreadyRunning("another qmail-send has the queue");
}

/** True when no process that delivers is left over from another qmail-send. */
export function agentsHaveEnded(folder: string): boolean {
  const fd = openIn(folder, "agents.lock");
  const ended = tryLock(fd, "exclusive");
  closeSync(fd);
  return ended;
}

/** A descriptor for a process that delivers to inherit. To be closed here once the process has started. */
export function agentLock(folder: string): number {
  const fd = openIn(folder, "agents.lock");
  if (!tryLock(fd, "shared")) {
    closeSync(fd);
    throw new AlreadyRunning("another qmail-send has the queue");
  }
  return fd;
}

/** Nobody else may open them, or anybody could hold them. */
function openIn(folder: string, name: string): number {
  const path = join(folder, name);
  const fd = openSync(path, "a", 0o600);
  giveToOwner(folder, path);
  return fd;
}
