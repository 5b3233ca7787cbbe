/** What a conversation is told at its start, and who looks on. */
import type { TlsLevel } from "../ucspi-tls/level.ts";
import type { Step } from "./rewrite.ts";
import type { RuleSet } from "./rule-set.ts";

export interface Settings {
  readonly rules: RuleSet;
  /** The host name of control/smtpgreeting. */
  readonly greeting: string;
  readonly level: TlsLevel;
  /** True when the variable is in the environment, even when empty. */
  readonly has: (variable: string) => boolean;
  readonly options?: Options;
}

/** What is off unless it is asked for. */
export interface Options {
  /** Refuse what has a CR or LF that stands alone: no server behind us can be smuggled into. */
  readonly strictLineEnds?: boolean | undefined;
  /** The longest request line, with its end. */
  readonly maximumRequestOctets?: number | undefined;
  /** The most requests in one session. */
  readonly maximumRequests?: number | undefined;
  /** Take AUTH and STARTTLS of the server's own out of its reply to EHLO. */
  readonly hidesExtensions?: boolean | undefined;
}

/** What happens, for those who look on: debug lines, recordings, explanations. Text is latin1 bytes. */
export interface Observer {
  /** A request as it came and as it goes on. `secret`: it is part of an AUTH exchange. */
  request?(line: string, sent: string, secret: boolean): void;
  reply?(event: string, reply: string, sent: string): void;
  message?(bytes: Buffer): void;
  rule?(step: Step): void;
}
