import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Who parses what strangers send, when a run script names nobody and we are root: the account `authup` of
 * users/accounts, else nobody.
 */
export function unprivilegedOf(home: string): { readonly uid: number; readonly gid: number } {
  try {
    const found = /^authup:(\d+):(\d+)/m.exec(readFileSync(join(home, "users", "accounts"), "latin1"));
    if (found !== null) return { uid: Number(found[1]), gid: Number(found[2]) };
  } catch {
    // No home of ours: an installed qmail, whose accounts have no such user.
  }
  return { uid: 65534, gid: 65534 };
}
