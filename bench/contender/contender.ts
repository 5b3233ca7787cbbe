/** A server that is measured: ours, a peer, or a bare floor below them. One file each, in peers/. */
import type { Group } from "../measure/group.ts";

/** What a client can connect to. `bare smtp`: the receiving program alone, nothing in front of it. */
export type Door = "smtp" | "submission" | "pop3" | "pop3 clear" | "bare smtp";

export interface Contender {
  readonly name: string;
  /** What a 250 after DATA promises here, in a few words. */
  readonly promise: string;
  /** Ours, somebody else's that keeps its promise, one that keeps nothing, or a floor that is no server at all. */
  readonly kind: "ours" | "peer" | "proxy" | "floor";
  /** Measured with --quick too. */
  readonly quick?: true;
  /** It compiles itself while it runs, and becomes cheaper for some time. */
  readonly compiles?: true;
  /** Why it cannot be measured on this machine; undefined when it can. */
  missing(): string | undefined;
  /** Starts it. Throws when it does not come up. */
  start(place: Place): Promise<Running>;
}

/** Where a server lives while it is measured. */
export interface Place {
  /** For all its files; it goes with it. */
  readonly folder: string;
  /** Its processes belong to this. */
  readonly group: Group;
  /** What it needs and is not measured: another server behind it. */
  readonly helpers: Group;
}

export interface Running {
  readonly doors: ReadonlyMap<Door, number>;
  readonly recipient: string;
  readonly user: string;
  readonly password: string;
  /** Messages of the usual size in the user's mailbox, for POP3; a number. */
  readonly mailbox: number;
  /** For a server that takes no more. */
  readonly clientsAtMost?: number;
  /** Why it is not measured in TLS. */
  readonly clearOnly?: string;
}

export const domain = "bench.example";
export const host = `mail.${domain}`;
export const user = "alice";
export const password = "secret";
/** Messages in the mailbox that POP3 reads. */
export const mailbox = 10;
/** So many sessions at once is a server told to allow. */
export const sessionsAtOnce = 1200;

/** What most servers here have in common. */
export const usual = { recipient: `bob@${domain}`, user, password, mailbox };

/** A server that receives mail at these two doors, and has no mailbox to read from. */
export const receiving = (smtp: number, submission: number, more: Partial<Running> = {}): Running => ({
  ...usual,
  doors: new Map([
    ["smtp", smtp],
    ["bare smtp", smtp],
    ["submission", submission],
  ]),
  mailbox: 0,
  ...more,
});
