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
  /** Offer CHUNKING where the server does not: what comes by BDAT goes on by DATA. */
  readonly offersChunking?: boolean | undefined;
}

/** What fixups know in such a conversation. Within TLS, and behind authup, which had its own, there is no offer of it. */
export function surroundingsOf({ greeting, level, has, options }: Settings, secured: boolean): Surroundings {
  const offersStartTls = level !== "unavailable" && !secured && !has("AUTHUP_USER");
  const { hidesExtensions, offersChunking } = options ?? {};
  return { greeting, offersStartTls, hidesExtensions, offersChunking };
}

/** A request. Text is latin1 bytes. */
export interface SeenRequest {
  readonly event: string;
  /** As the client sent it; "" when it is our own. */
  readonly line: string;
  /** What we ourselves put in front of it, before the rules: for a server that must not see STARTTLS. */
  readonly front: string;
  /** What the rules put in front of that. */
  readonly prefix: string;
  /** As it went on to the server behind these: as it came, in most cases; "" when it did not. */
  readonly passed: string;
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
  ownAnswer?(text: string): void;
  /** A piece of a message; `ended`: it is the last. */
  message?(bytes: Buffer, ended: boolean): void;
  /** A piece of what follows BDAT. */
  chunk?(bytes: Buffer): void;
  /** Chunks that went on as DATA got its end. */
  chunksEnded?(): void;
  tlsStarted?(): void;
  /** There is another server, in clear or in TLS as before. */
  serverStarted?(): void;
  clientEnded?(): void;
}

/** All of them look on. */
export function together(observers: readonly Observer[]): Observer | undefined {
  if (observers.length < 2) return observers[0];
  const each = (tell: (observer: Observer) => void) => {
    for (const observer of observers) tell(observer);
  };
  return {
    request: (seen) => each((one) => one.request?.(seen)),
    rule: (step) => each((one) => one.rule?.(step)),
    reply: (seen) => each((one) => one.reply?.(seen)),
    ownAnswer: (text) => each((one) => one.ownAnswer?.(text)),
    message: (bytes, ended) => each((one) => one.message?.(bytes, ended)),
    chunk: (bytes) => each((one) => one.chunk?.(bytes)),
    chunksEnded: () => each((one) => one.chunksEnded?.()),
    tlsStarted: () => each((one) => one.tlsStarted?.()),
    serverStarted: () => each((one) => one.serverStarted?.()),
    clientEnded: () => each((one) => one.clientEnded?.()),
  };
}
