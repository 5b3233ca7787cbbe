import { chownSync, statSync } from "node:fs";

/** Gives what root has made in the queue's `folder` to the folder's owner: qmail-send, who is not root, must read it. */
export function giveToOwner(folder: string, path: string): void {
  if (process.geteuid!() !== 0) return;
  const { uid, gid } = statSync(folder);
  chownSync(path, uid, gid);
}
