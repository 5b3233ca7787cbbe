/** What authup says of itself, in both protocols. Source: authup(8), its table of errors. */

/** The part of a reply that names the trouble: SMTP code, enhanced code, words. */
interface Trouble {
  readonly code: number;
  readonly enhanced: string;
  readonly words: string;
  /** POP3: whether it is for the user to do something, or for us. RFC 3206 §4, §5 */
  readonly response?: "AUTH" | "SYS/TEMP";
}

const troubles = {
  controls: { code: 421, enhanced: "4.3.0", words: "unable to read controls" },
  timeout: { code: 451, enhanced: "4.4.2", words: "timeout" },
  fork: { code: 454, enhanced: "4.3.0", words: "unable to fork", response: "SYS/TEMP" },
  crash: { code: 454, enhanced: "4.3.0", words: "aack, child crashed", response: "SYS/TEMP" },
  busy: { code: 454, enhanced: "4.7.0", words: "too many passwords to check", response: "SYS/TEMP" },
  noTls: { code: 454, enhanced: "5.7.3", words: "TLS temporarily not available" },
  mistake: { code: 421, enhanced: "4.3.0", words: "unknown or unspecified error" },
  tooManyRefusals: { code: 421, enhanced: "4.7.0", words: "too many bad commands" },
  tooLong: { code: 500, enhanced: "5.5.2", words: "line too long" },
  authorization: { code: 535, enhanced: "5.7.0", words: "authorization failed", response: "AUTH" },
  mechanism: { code: 504, enhanced: "5.5.1", words: "auth type unimplemented" },
  input: { code: 501, enhanced: "5.5.4", words: "malformed auth input" },
  cancelled: { code: 501, enhanced: "5.0.0", words: "auth exchange cancelled" },
  needTls: { code: 530, enhanced: "5.7.0", words: "Must start TLS first" },
} as const satisfies Record<string, Trouble>;

export type TroubleName = keyof typeof troubles;

/** The line without CR LF. */
export function smtpTrouble(name: TroubleName): string {
  const { code, enhanced, words } = troubles[name];
  return `${code} authup ${words} (#${enhanced})`;
}

/** The line without CR LF. */
export function pop3Trouble(name: TroubleName): string {
  const { words, response }: Trouble = troubles[name];
  return `-ERR ${response === undefined ? "" : `[${response}] `}authup ${words}`;
}

/** A user name as it may stand in a log: what is not printable ASCII is `?`, and it ends after 100 octets. */
export function loggable(user: string): string {
  return user.slice(0, 100).replace(/[^\x21-\x7e]/g, "?");
}
