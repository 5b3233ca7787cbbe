/** A Maildir with messages of the usual size, for POP3. maildir(5) */
import { appendFileSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../load/message.ts";
import { host, mailbox } from "./contender.ts";

/** Puts them into `new` of this Maildir, making it if it is not there, for this user and group. */
export function fill(maildir: string, uid: number, gid: number): void {
  for (const path of [maildir, ...["cur", "new", "tmp"].map((part) => join(maildir, part))]) {
    mkdirSync(path, { recursive: true });
    chownSync(path, uid, gid);
  }
  const message = messageOf(4096).toString("latin1").replaceAll("\r\n", "\n").replace(/\.\n$/, "");
  for (let at = 0; at < mailbox; at++) {
    const path = join(maildir, "new", `${1_700_000_000 + at}.M${at}.${host}`);
    appendFileSync(path, message, "latin1");
    chownSync(path, uid, gid);
  }
}
