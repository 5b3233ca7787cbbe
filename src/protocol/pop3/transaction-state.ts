/**
 * The transaction state of POP3, RFC 1939 §5, as qmail-pop3d has always spoken it: one mailbox, whose messages were
 * counted when the session began. QUIT is the only way to the update state.
 */

/** What may be known of a message without opening it. */
export interface Listed {
  /** Of the file: a line end counts one octet, as qmail-pop3d counts. */
  readonly sizeOctets: number;
  /** undefined for a file whose name is no unique-id. RFC 1939 §7 */
  readonly uniqueId: string | undefined;
}

/** The messages of the mailbox; the first has number 1. Fixed for the session. */
export type Maildrop = readonly Listed[];

export interface Session {
  /** Indices, from 0. */
  readonly deleted: ReadonlySet<number>;
  /** The highest number that was deleted since the beginning or RSET. */
  readonly last: number;
}

export type Action =
  | { readonly do: "say"; readonly text: string }
  /** Sends message `index` after the first line; of its body so many lines, or all. */
  | { readonly do: "send"; readonly index: number; readonly bodyLines: number | undefined }
  /** Deletes and moves, answers, and hangs up. */
  | { readonly do: "update" };

export type Outcome = readonly [Session, Action];

export const fresh: Session = { deleted: new Set(), last: 0 };

/** First lines, with their ends. Source: qmail's qmail-pop3d.c. */
export const responses = {
  ok: "+OK \r\n",
  unimplemented: "-ERR unimplemented\r\n",
  syntax: "-ERR syntax error\r\n",
  countedFromOne: "-ERR messages are counted from 1\r\n",
  notThatMany: "-ERR not that many messages\r\n",
  alreadyDeleted: "-ERR already deleted\r\n",
  cannotOpen: "-ERR unable to open that message\r\n",
  noUniqueId: "-ERR this message has no unique-id\r\n",
  cannotUnlink: "-ERR unable to unlink all deleted messages\r\n",
  noMaildir: "-ERR this user has no $HOME/Maildir\r\n",
  cannotScan: "-ERR unable to scan $HOME/Maildir\r\n",
} as const;

type Run = (maildrop: Maildrop, session: Session, argument: string) => Outcome;

const verbs: ReadonlyMap<string, Run> = new Map([
  ["STAT", stat],
  ["LIST", list],
  ["UIDL", uidl],
  ["DELE", dele],
  ["RETR", top],
  ["TOP", top],
  ["LAST", last],
  ["RSET", rset],
  ["NOOP", noop],
  ["QUIT", quit],
]);

/** One command in; out come the next session and what the shell must do. */
export function step(
  maildrop: Maildrop,
  session: Session,
  { verb, argument }: { readonly verb: string; readonly argument: string },
): Outcome {
  const run = verbs.get(verb);
  return run === undefined ? says(session, responses.unimplemented) : run(maildrop, session, argument);
}

function stat(maildrop: Maildrop, session: Session): Outcome {
  // RFC 1939 §5: messages marked as deleted are counted in neither number.
  const kept = maildrop.filter((_, index) => !session.deleted.has(index));
  const octets = kept.reduce((sum, { sizeOctets }) => sum + sizeOctets, 0);
  return says(session, `+OK ${kept.length} ${octets}\r\n`);
}

function list(maildrop: Maildrop, session: Session, argument: string): Outcome {
  return scanListing(maildrop, session, argument, ({ sizeOctets }) => String(sizeOctets));
}

function uidl(maildrop: Maildrop, session: Session, argument: string): Outcome {
  return scanListing(maildrop, session, argument, ({ uniqueId }) => uniqueId);
}

function scanListing(
  maildrop: Maildrop,
  session: Session,
  argument: string,
  fact: (listed: Listed) => string | undefined,
): Outcome {
  if (argument !== "") {
    return withMessage(maildrop, session, argument, (index) => {
      const text = fact(maildrop[index]!);
      return says(session, text === undefined ? responses.noUniqueId : `+OK ${index + 1} ${text}\r\n`);
    });
  }
  let text: string = responses.ok;
  for (const [index, listed] of maildrop.entries()) {
    const known = session.deleted.has(index) ? undefined : fact(listed);
    if (known !== undefined) text += `${index + 1} ${known}\r\n`;
  }
  return says(session, `${text}.\r\n`);
}

function dele(maildrop: Maildrop, session: Session, argument: string): Outcome {
  return withMessage(maildrop, session, argument, (index) => {
    const deleted = new Set(session.deleted).add(index);
    return says({ deleted, last: Math.max(session.last, index + 1) }, responses.ok);
  });
}

/** RETR with a second number is TOP, and TOP without one is RETR. */
function top(maildrop: Maildrop, session: Session, argument: string): Outcome {
  return withMessage(maildrop, session, argument, (index) => {
    const lines = /^[0-9]+ +([0-9]+)/.exec(argument)?.[1];
    return [session, { do: "send", index, bodyLines: lines === undefined ? undefined : Number(lines) }];
  });
}

function last(_: Maildrop, session: Session): Outcome {
  return says(session, `+OK ${session.last}\r\n`);
}

function rset(): Outcome {
  return says(fresh, responses.ok);
}

function noop(_: Maildrop, session: Session): Outcome {
  return says(session, responses.ok);
}

function quit(_: Maildrop, session: Session): Outcome {
  return [session, { do: "update" }];
}

const says = (session: Session, text: string): Outcome => [session, { do: "say", text }];

/** Goes on with the message that the argument's leading digits name, or says why there is none. */
function withMessage(
  maildrop: Maildrop,
  session: Session,
  argument: string,
  goOn: (index: number) => Outcome,
): Outcome {
  const digits = /^[0-9]+/.exec(argument)?.[0];
  if (digits === undefined) return says(session, responses.syntax);
  const index = Number(digits) - 1;
  if (index < 0) return says(session, responses.countedFromOne);
  if (index >= maildrop.length) return says(session, responses.notThatMany);
  if (session.deleted.has(index)) return says(session, responses.alreadyDeleted);
  return goOn(index);
}

/** The unique-id that a file's name gives: up to the first `:`; undefined for one that RFC 1939 §7 forbids. */
export function uniqueIdOf(fileName: string): string | undefined {
  const name = fileName.split(":", 1)[0] ?? "";
  return /^[\x21-\x7e]{1,70}$/.test(name) ? name : undefined;
}
