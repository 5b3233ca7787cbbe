/** The trace field that qmail-smtpd puts on top. RFC 5321 §4.4; source: qmail's received.c. */
import { rfc5322Date } from "./date.ts";

/** Whom a message came from and who took it. All text is latin1 and may be hostile. */
export interface Trace {
  /** The client's name, address, and what ident said of it. */
  readonly remoteHost: string;
  readonly remoteIp: string;
  readonly remoteInfo: string | undefined;
  readonly localHost: string;
  /** What the client called itself; undefined when it said nothing. */
  readonly helo: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The field, two lines with LF. */
export function receivedField(trace: Trace): string {
  const { remoteHost, remoteIp, remoteInfo, localHost, helo, now } = trace;
  const said = helo === undefined || sameName(helo, remoteHost) ? "" : ` (HELO ${safe(helo)})`;
  const info = remoteInfo === undefined ? "" : `${safe(remoteInfo)}@`;
  return (
    `Received: from ${safe(remoteHost)}${said} (${info}${safe(remoteIp)})\n` +
    `  by ${safe(localHost)} with SMTP; ${rfc5322Date(now)}\n`
  );
}

/** Names are told apart by their letters, not by the letters' case. */
const sameName = (one: string, other: string) => one.length === other.length && lower(one) === lower(other);
const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Any other byte could end the comment, or the line. */
const safe = (text: string) => text.replace(/[^A-Za-z0-9.@%+/=:-]/g, "?");
