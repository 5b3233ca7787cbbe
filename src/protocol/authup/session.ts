/** The values that a conversation before authentication is made of, whichever protocol it speaks. */
import type { Secret } from "../checkpassword/secret.ts";
import type { Exchange } from "../sasl/exchange.ts";
import type { Channel } from "../sasl/mechanisms.ts";
import type { TlsLevel } from "../ucspi-tls/level.ts";
import type { TroubleName } from "./words.ts";

/** What stays the same from the greeting to the end. All text is latin1. */
export interface Settings {
  /** The host name, or whatever control/smtpgreeting or pop3greeting says. */
  readonly greeting: string;
  readonly capabilities: readonly string[];
  readonly tls: TlsLevel;
  /** False when the server offers TLS on descriptors that do not work. */
  readonly canStartTls: boolean;
  /** Failed attempts, then authup hangs up. */
  readonly tries: number;
  /** Name the ways to log in also where TLS must come first, as the original does. */
  readonly showAuthBeforeTls: boolean;
  /** Advertise `AUTH=` too, for clients that know no other form. */
  readonly brokenClients: boolean;
  /** The ways to log in that checkpassword has, in the order they are shown. */
  readonly mechanisms: readonly string[];
  /** The TLS that the session began in. */
  readonly channel: Channel;
  /** The address of the client; empty when nobody said. */
  readonly client: string;
  /** POP3: `<PID.TIME@HOST>`, the third field for checkpassword. Empty in SMTP. */
  readonly stamp: string;
  /** Greet with the stamp, though no APOP is offered. */
  readonly showStamp: boolean;
}

/** One connection, until its user is known. A plain value; nothing in it is secret. */
export interface Session {
  readonly settings: Settings;
  readonly secure: boolean;
  /** POP3: who USER named. */
  readonly user: string | undefined;
  readonly channel: Channel;
  /** The AUTH that is under way. */
  readonly exchange: Exchange | undefined;
  readonly triesLeft: number;
  readonly refusals: number;
}

/** A line, without its end. `more` says that the client did not wait for the answer. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly more: boolean;
}

/** What happened. */
export type News =
  | ({ readonly on: "line" } & Line)
  | { readonly on: "overlongLine" }
  | { readonly on: "silence" }
  | { readonly on: "end" }
  | { readonly on: "secured"; readonly channel: Channel }
  /** checkpassword goes on with the conversation. */
  | { readonly on: "challenge"; readonly octets: Uint8Array }
  /** checkpassword, or what it became, ended. */
  | Checked;

export interface Checked {
  readonly on: "checked";
  readonly pid: number;
  /** Whose password it was; empty when the conversation did not come so far. */
  readonly user: string;
  readonly ended: Ended;
}

/** As System's Ended, and: it could not be started, for want of memory or processes; too much
 * else waits to be checked; it was told what means nothing. */
export type Ended =
  | { readonly code: number }
  | { readonly signal: string }
  | { readonly unable: "fork" }
  | { readonly busy: true }
  | { readonly malformed: true };

/** What the shell must do, in order. */
export type Action =
  /** `text` is one or more lines; the last has no CR LF. */
  | { readonly do: "reply"; readonly text: string }
  | { readonly do: "log"; readonly words: string }
  /** Of a login, when the address of the client is known. */
  | { readonly do: "tellBlocklist"; readonly failed: boolean; readonly client: string }
  /** After the replies were sent. Then `secured`, or the end. */
  | { readonly do: "startTls" }
  /** After the replies were sent. Wipes `fields`; then `checked`. */
  | { readonly do: "checkPassword"; readonly user: string; readonly fields: Uint8Array }
  /** Starts checkpassword to talk with. Wipes `initial`; then `challenge` or `checked`. */
  | {
      readonly do: "converse";
      readonly mechanism: string;
      readonly binding: string;
      readonly certificate: readonly string[];
      readonly initial: Uint8Array | undefined;
    }
  /** Goes on with the conversation. Wipes `message`; then `challenge` or `checked`. */
  | { readonly do: "tell"; readonly message: Uint8Array }
  /** Nobody waits for the end of the conversation. */
  | { readonly do: "abandon" }
  | { readonly do: "hangUp"; readonly code: number };

export type Outcome = readonly [Session, readonly Action[]];

/** One answered command: what it is refused with when a need is unmet, else what it does. */
export interface Verb {
  readonly needs: readonly Need[];
  readonly run: (session: Session, argument: Uint8Array, more: boolean) => Outcome;
}

export interface Need {
  readonly met: (session: Session) => boolean;
  /** The line without CR LF. */
  readonly refusal: string;
}

/** A protocol: its verbs, and its way to say what both have to say. */
export interface Dialect {
  readonly verbs: ReadonlyMap<string, Verb>;
  /** The refusal of any other verb. */
  readonly unknownVerb: string;
  greeting(settings: Settings): string;
  trouble(name: TroubleName): string;
  /** The line without CR LF, for a challenge in base64. */
  challenge(base64: string): string;
  /** The most octets a line may have that begins with `head`, without its end; at least anyLineOctets. */
  longestLine(session: Session, head: Uint8Array): number;
}

/** So many octets any line may have, without its end. RFC 5321 §4.5.3.1.4 asks for 512 with it, RFC 2449 §4 for 255. */
export const anyLineOctets = 510;

export const say = (text: string): Action => ({ do: "reply", text });

/** What is known when a connection, or TLS on it, begins. */
export function fresh(settings: Settings): Session {
  return {
    settings,
    secure: false,
    channel: settings.channel,
    user: undefined,
    exchange: undefined,
    triesLeft: settings.tries,
    refusals: 0,
  };
}

/** A password to check, on its way out of the machine. */
export interface Question {
  readonly user: string;
  readonly secret: Secret;
}
