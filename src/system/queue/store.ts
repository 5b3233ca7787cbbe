/**
 * The queue on disk: one SQLite file. A row of `messages` for each message, a row of `recipients` for each recipient
 * that is still waited for. What a transaction wrote when it returned survives the loss of power.
 *
 * A recipient is routed (local, remote) by qmail-send alone; qmail-queue, when it writes here itself, leaves it new.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { giveToOwner } from "./owner.ts";

/** Which way a recipient's mail goes. */
export const channel = { local: 0, remote: 1, new: 2 } as const;
export type Channel = (typeof channel)[keyof typeof channel];

/** A message that is to be queued. Text is latin1. */
export interface NewMessage {
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly channel: Channel }[];
  readonly uid: number;
  /** Of the process that queued it, in decimal digits. */
  readonly pid: string;
  /** The field in front of the content: `Received: (qmail …)` and LF. */
  readonly trace: string;
  readonly content: { readonly bytes: Uint8Array } | { readonly file: string };
  /** Of trace and content. */
  readonly sizeOctets: number;
  /** Milliseconds since 1970. */
  readonly arrived: number;
}

/** A message of the queue. */
export interface Message extends Omit<NewMessage, "recipients" | "content"> {
  readonly id: number;
  /** The name of the file in `mess` that has the content; null when the row has it. */
  readonly file: string | null;
}

/** A recipient whose time has come. */
export interface Due {
  readonly id: number;
  readonly message: number;
  readonly address: string;
  readonly tries: number;
}

/** A recipient who will not get the message. */
export interface Failure {
  readonly address: string;
  readonly text: string;
}

const schema = `
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, uid INTEGER NOT NULL, pid TEXT NOT NULL,
    trace TEXT NOT NULL, sizeOctets INTEGER NOT NULL, arrived INTEGER NOT NULL, file TEXT, content BLOB
  ) STRICT;
  CREATE TABLE IF NOT EXISTS recipients (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL, address TEXT NOT NULL, channel INTEGER NOT NULL,
    due INTEGER, tries INTEGER NOT NULL DEFAULT 0, failure TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS recipients_due ON recipients (channel, due) WHERE due IS NOT NULL;
  CREATE INDEX IF NOT EXISTS recipients_message ON recipients (message);
`;

const statements = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  addMessage: `INSERT INTO messages (sender, uid, pid, trace, sizeOctets, arrived, file, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  addRecipient: "INSERT INTO recipients (message, address, channel, due) VALUES (?, ?, ?, ?)",
  message: "SELECT id, sender, uid, pid, trace, sizeOctets, arrived, file FROM messages WHERE id = ?",
  content: "SELECT content FROM messages WHERE id = ?",
  due: `SELECT id, message, address, tries FROM recipients
    WHERE channel = ? AND due <= ? ORDER BY due LIMIT ?`,
  nextDue: "SELECT min(due) AS due FROM recipients WHERE channel = ? AND due > ?",
  route: "UPDATE recipients SET channel = ? WHERE id = ?",
  defer: "UPDATE recipients SET due = ?, tries = tries + 1 WHERE id = ?",
  fail: "UPDATE recipients SET due = NULL, failure = ? WHERE id = ?",
  removeRecipient: "DELETE FROM recipients WHERE id = ?",
  waiting: "SELECT 1 AS waiting FROM recipients WHERE message = ? AND due IS NOT NULL LIMIT 1",
  failures:
    "SELECT address, failure AS text FROM recipients WHERE message = ? AND failure IS NOT NULL ORDER BY id",
  removeRecipients: "DELETE FROM recipients WHERE message = ?",
  removeMessage: "DELETE FROM messages WHERE id = ?",
  files: "SELECT file FROM messages WHERE file IS NOT NULL",
  lastRecipient: "SELECT coalesce(max(id), 0) AS id FROM recipients",
  messages: "SELECT count(*) AS count FROM messages",
  hurry: "UPDATE recipients SET due = ? WHERE due > ?",
  version: "PRAGMA data_version",
} as const;

/** An open queue. All methods wait for the disk. They throw the system's or SQLite's error. */
export class QueueStore {
  readonly #db: DatabaseSync;
  readonly #prepared: Partial<Record<keyof typeof statements, StatementSync>> = {};

  /** Opens the queue in `folder`, and makes it when it is not there. */
  constructor(folder: string) {
    const mess = join(folder, "mess");
    const path = join(folder, "queue.sqlite");
    mkdirSync(mess, { recursive: true, mode: 0o700 });
    // Others may pass through the folder, to the socket. The mode of SQLite's other files follows this one's.
    closeSync(openSync(path, "a", 0o600));
    giveToOwner(folder, mess);
    giveToOwner(folder, path); // and SQLite does the same with its other files
    this.#db = new DatabaseSync(path, { timeout: 30_000 });
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.#db.exec(schema);
  }

  /** Does `work` as one transaction: all of it is on disk when this returns, or none. */
  transact<Result>(work: () => Result): Result {
    this.#prepare("begin").run();
    try {
      const result = work();
      this.#prepare("commit").run();
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Adds a message, due at once. Returns its number, which is never used again. */
  add(message: NewMessage): number {
    const { sender, recipients, uid, pid, trace, sizeOctets, arrived, content } = message;
    const file = "file" in content ? content.file : null;
    const bytes = "file" in content ? null : content.bytes;
    const added = this.#prepare("addMessage").run(sender, uid, pid, trace, sizeOctets, arrived, file, bytes);
    const id = Number(added.lastInsertRowid);
    const addRecipient = this.#prepare("addRecipient");
    for (const { address, channel: way } of recipients) addRecipient.run(id, address, way, arrived);
    return id;
  }

  message(id: number): Message | undefined {
    return this.#get<Message>("message", id);
  }

  /** The content of a message that has no file. */
  content(id: number): Uint8Array {
    return this.#get<{ content: Uint8Array | null }>("content", id)?.content ?? new Uint8Array();
  }

  /** The recipients of a channel whose time is `now` or before, the longest waiting first. */
  due(way: Channel, now: number, limit: number): Due[] {
    return this.#prepare("due").all(way, now, limit) as unknown as Due[];
  }

  /** When the next recipient of a channel comes due after `now`. */
  nextDue(way: Channel, now: number): number | undefined {
    return this.#get<{ due: number | null }>("nextDue", way, now)?.due ?? undefined;
  }

  route(recipient: number, way: Channel): void {
    this.#run("route", way, recipient);
  }

  /** The recipient is to be tried again at `due`. */
  defer(recipient: number, due: number): void {
    this.#run("defer", due, recipient);
  }

  /** The recipient will not get it, because of `text`; the sender is told when no other is waited for. */
  fail(recipient: number, text: string): void {
    this.#run("fail", text, recipient);
  }

  /** The recipient has it. */
  deliver(recipient: number): void {
    this.#run("removeRecipient", recipient);
  }

  /** True when some recipient is still waited for. */
  isWaiting(message: number): boolean {
    return this.#get("waiting", message) !== undefined;
  }

  failures(message: number): Failure[] {
    return this.#prepare("failures").all(message) as unknown as Failure[];
  }

  remove(message: number): void {
    this.#run("removeRecipients", message);
    this.#run("removeMessage", message);
  }

  /** The names of all files that belong to a message. */
  files(): string[] {
    return (this.#prepare("files").all() as unknown as { file: string }[]).map(({ file }) => file);
  }

  /** The highest number of a recipient that is in the queue. */
  lastRecipient(): number {
    return this.#get<{ id: number }>("lastRecipient")?.id ?? 0;
  }

  count(): number {
    return this.#get<{ count: number }>("messages")?.count ?? 0;
  }

  /** Everything that waits for its time is due now. */
  hurry(now: number): void {
    this.#run("hurry", now, now);
  }

  /** Another number when another process has written. */
  version(): number {
    return this.#get<{ data_version: number }>("version")?.data_version ?? 0;
  }

  close(): void {
    this.#db.close();
  }

  #prepare(name: keyof typeof statements): StatementSync {
    const there = this.#prepared[name];
    if (there !== undefined) return there;
    const prepared = this.#db.prepare(statements[name]);
    this.#prepared[name] = prepared;
    return prepared;
  }

  #run(name: keyof typeof statements, ...values: (number | string | null)[]): void {
    this.#prepare(name).run(...values);
  }

  #get<Row>(name: keyof typeof statements, ...values: number[]): Row | undefined {
    return this.#prepare(name).get(...values) as unknown as Row | undefined;
  }
}
