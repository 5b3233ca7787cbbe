/** What a conversation is told at its start, and who looks on. */
import type { TlsLevel } from "../ucspi-tls/level.ts";
import type { Step, Surroundings } from "./rewrite.ts";
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

/** What fixups know in such a conversation. Within TLS, and behind authup, which had its own, there is no offer of it. */
export function surroundingsOf({ greeting, level, has, options }: Settings, secured: boolean): Surroundings {
  const offersStartTls = level !== "unavailable" && !secured && !has("AUTHUP_USER");
  return { greeting, offersStartTls, hidesExtensions: options?.hidesExtensions };
}

/** A request. Text is latin1 bytes. */
export interface SeenRequest {
  readonly event: string;
  /** As the client sent it. */
  readonly line: string;
  /** What we ourselves put in front of it, before the rules: for a server that must not see STARTTLS. */
  readonly front: string;
  /** As it went on to the server. */
  readonly sent: string;
  /** It is part of an AUTH exchange. */
  readonly secret: boolean;
}

/** A reply. Text is latin1 bytes. */
export interface SeenReply {
  readonly event: string;
  /** As the server sent it. */
  readonly reply: string;
  /** What stood for it when the rules saw it; undefined when none is asked. */
  readonly shown: string | undefined;
  /** As it went on to the client; "" when nothing is left of it. */
  readonly sent: string;
}

/** Those who look on: debug lines, recordings, explanations. */
export interface Observer {
  request?(seen: SeenRequest): void;
  /** A rule that matched; it comes before its reply. */
  rule?(step: Step): void;
  reply?(seen: SeenReply): void;
  /** What we said to a request ourselves. */
  refusal?(text: string): void;
  /** A piece of a message; `ended`: it is the last. */
  message?(bytes: Buffer, ended: boolean): void;
  /** A piece of what follows BDAT. */
  chunk?(bytes: Buffer): void;
  tlsStarted?(): void;
  clientEnded?(): void;
}

/** All of them look on. */
export function together(observers: readonly Observer[]): Observer | undefined {
  if (observers.length < 2) return observers[0];
  return {
    request: (seen) => {
      for (const each of observers) each.request?.(seen);
    },
    rule: (step) => {
      for (const each of observers) each.rule?.(step);
    },
    reply: (seen) => {
      for (const each of observers) each.reply?.(seen);
    },
    refusal: (text) => {
      for (const each of observers) each.refusal?.(text);
    },
    message: (bytes, ended) => {
      for (const each of observers) each.message?.(bytes, ended);
    },
    chunk: (bytes) => {
      for (const each of observers) each.chunk?.(bytes);
    },
    tlsStarted: () => {
      for (const each of observers) each.tlsStarted?.();
    },
    clientEnded: () => {
      for (const each of observers) each.clientEnded?.();
    },
  };
}
