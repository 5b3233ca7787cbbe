/** One delivery, as qmail-send gives it to qmail-local or qmail-remote, and what comes back. */

/** A message for one mailbox. Text is latin1. */
export interface LocalJob {
  /** The user's home folder: the Maildir is in it. */
  readonly home: string;
  /** The name that the message's file gets, the same on every try. */
  readonly file: string;
  /** True when an earlier try may have come further than we know. */
  readonly again: boolean;
}

/** A message for one recipient elsewhere. */
export interface RemoteJob {
  readonly sender: string;
  readonly recipient: string;
}

export function localJobBytes({ home, file, again }: LocalJob): Uint8Array {
  return fields(home, file, again ? "again" : "first");
}

export function parseLocalJob(payload: Uint8Array): LocalJob | undefined {
  const [home, file, how, ...more] = text(payload).split("\0");
  if (home === undefined || file === undefined || how === undefined || more.length > 0) return undefined;
  // The name is one of ours: nothing in it may lead out of the folder.
  if (!home.startsWith("/") || !/^[A-Za-z0-9][^/]*$/.test(file)) return undefined;
  return { home, file, again: how === "again" };
}

export function remoteJobBytes({ sender, recipient }: RemoteJob): Uint8Array {
  return fields(sender, recipient);
}

export function parseRemoteJob(payload: Uint8Array): RemoteJob | undefined {
  const [sender, recipient, ...more] = text(payload).split("\0");
  if (sender === undefined || recipient === undefined || more.length > 0) return undefined;
  return { sender, recipient };
}

/** How a delivery ended, with words for the log and the bounce; several lines, each ended by LF. */
export interface Report {
  readonly how: "success" | "failure" | "deferral";
  readonly text: string;
}

// The letters are those that qmail-local and qmail-remote print.
const letters = { success: "K", failure: "D", deferral: "Z" } as const;

export function reportBytes({ how, text: words }: Report): Uint8Array {
  return Buffer.from(letters[how] + words, "latin1");
}

/** The report in `payload`. One without a known letter is a deferral: we cannot know. */
export function parseReport(payload: Uint8Array): Report {
  const words = text(payload);
  const how = words[0] === "K" ? "success" : words[0] === "D" ? "failure" : "deferral";
  return { how, text: words.slice(1) };
}

function fields(...all: readonly string[]): Uint8Array {
  if (all.some((field) => field.includes("\0"))) throw new RangeError("a field has no NUL");
  return Buffer.from(all.join("\0"), "latin1");
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
