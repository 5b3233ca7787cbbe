/**
 * The conversation of an SMTP server, without the world: commands come in, replies and actions go out.
 * qmail-smtpd and ofmipd differ in their Service alone. RFC 5321 §4.1; source: qmail-smtpd.c, ofmipd.c.
 */
import { declaredOctets, parseAddress } from "./address.ts";
import { type Command, tooLong } from "./command.ts";
import * as replies from "./replies.ts";
import { type Reply, reply } from "./reply.ts";

/** Who a message is from: the envelope sender, and a name that goes with it when one is known. */
export interface Sender {
  readonly address: string;
  readonly name?: string;
}

/** What a server decides about mail. Pure: tables that were read before. */
export interface Service {
  /** What it calls itself: after 250 and 221, and first in EHLO. */
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly help: string;
  /** A message may have so many octets; 0: no limit. */
  readonly maximumOctets: number;
  /** The sender to use for the address that the client gave. */
  sender(address: string): Sender | Reply;
  /** The recipient to use for the address that the client gave, for mail from `sender`. */
  recipient(address: string, sender: Sender): string | Reply;
  /** Some program outside must be asked about each recipient. */
  readonly asksAboutRecipients: boolean;
}

/** One connection. A transaction is there from MAIL on. */
export interface Session {
  readonly helo: string | undefined;
  readonly transaction: Transaction | undefined;
  readonly badCommands: number;
}

export interface Transaction {
  readonly sender: Sender;
  readonly recipients: readonly string[];
}

export type Action =
  | { readonly do: "reply"; readonly reply: Reply }
  /** Ask about the recipient, then go on with `recipientChecked`. */
  | { readonly do: "askAbout"; readonly sender: Sender; readonly recipient: string }
  /** Answer DATA, and the message after it. */
  | { readonly do: "takeMessage"; readonly helo: string | undefined; readonly transaction: Transaction }
  /** The session is over. */
  | { readonly do: "hangUp"; readonly orderly: boolean };

export type Outcome = readonly [Session, readonly Action[]];

/** Before the client has said a word. */
export const fresh: Session = { helo: undefined, transaction: undefined, badCommands: 0 };

/** More than these in one transaction, or session, are too many. */
export const maximumRecipients = 1000;
export const maximumBadCommands = 20;

type Need = "mail" | "rcpt";

interface Verb {
  readonly needs: readonly Need[];
  readonly run: (session: Session, argument: string, service: Service) => Outcome;
}

const needs: Record<Need, { met(session: Session): boolean; refusal: Reply }> = {
  mail: { met: ({ transaction }) => transaction !== undefined, refusal: replies.mailFirst },
  rcpt: { met: ({ transaction }) => transaction?.recipients.length !== 0, refusal: replies.rcptFirst },
};

/** When each verb is welcome. Needs are read left to right; the first unmet one is the answer. */
const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["HELO", { needs: [], run: helo }],
  ["EHLO", { needs: [], run: ehlo }],
  ["MAIL", { needs: [], run: mail }], // also before HELO, and again: some clients never learned
  ["RCPT", { needs: ["mail"], run: rcpt }],
  ["DATA", { needs: ["mail", "rcpt"], run: data }],
  ["RSET", { needs: [], run: rset }],
  ["NOOP", { needs: [], run: (session) => [session, say(replies.ok)] }],
  ["VRFY", { needs: [], run: (session) => [session, say(replies.someMail)] }],
  ["HELP", { needs: [], run: (session, _, { help }) => [session, answer(reply(214, help))] }],
  ["QUIT", { needs: [], run: quit }],
  [tooLong.verb, { needs: [], run: (session) => refuse(session, replies.lineTooLong) }],
]);

/** One command in; out come the next session and what the shell must do, in order. */
export function step(session: Session, { verb, argument }: Command, service: Service): Outcome {
  const known = verbs.get(verb);
  if (known === undefined) return refuse(session, replies.unknownVerb);
  for (const need of known.needs) {
    if (!needs[need].met(session)) return refuse(session, needs[need].refusal);
  }
  return known.run(session, argument, service);
}

function helo({ badCommands }: Session, argument: string, { name }: Service): Outcome {
  return [{ ...fresh, helo: argument, badCommands }, answer(reply(250, name))];
}

function ehlo({ badCommands }: Session, argument: string, service: Service): Outcome {
  const { name, capabilities, maximumOctets } = service;
  // RFC 1870 §3. The originals have no SIZE; ours say it when there is a limit to be known.
  const size = maximumOctets > 0 ? [`SIZE ${maximumOctets}`] : [];
  const last = capabilities.slice(-1);
  const lines = [name, ...capabilities.slice(0, -1), ...size, ...last];
  return [{ ...fresh, helo: argument, badCommands }, answer(reply(250, ...lines))];
}

function mail(session: Session, argument: string, service: Service): Outcome {
  const address = parseAddress(argument);
  if (address === undefined) return refuse(session, replies.syntaxError);
  const octets = service.maximumOctets > 0 ? declaredOctets(argument) : undefined;
  if (octets !== undefined && octets > service.maximumOctets) return [session, say(replies.tooLarge)];
  const sender = service.sender(address);
  if ("wire" in sender) return refuse(session, sender);
  return [{ ...session, transaction: { sender, recipients: [] } }, say(replies.ok)];
}

function rcpt(session: Session, argument: string, service: Service): Outcome {
  const { sender, recipients } = session.transaction!;
  const address = parseAddress(argument);
  if (address === undefined) return refuse(session, replies.syntaxError);
  const recipient = service.recipient(address, sender);
  if (typeof recipient !== "string") return refuse(session, recipient);
  if (recipients.length >= maximumRecipients) return [session, say(replies.tooManyRecipients)];
  if (service.asksAboutRecipients) return [session, [{ do: "askAbout", sender, recipient }]];
  return [withRecipient(session, recipient), say(replies.ok)];
}

/** What the program that was asked about a recipient said of it: nothing, or a refusal. */
export function recipientChecked(session: Session, recipient: string, refusal: Reply | undefined): Outcome {
  if (refusal === undefined) return [withRecipient(session, recipient), say(replies.ok)];
  // RFC 5321 §3.8: 421 is the last word of a session.
  if (refusal.code === 421) return [session, [...say(refusal), { do: "hangUp", orderly: false }]];
  return [session, say(refusal)];
}

/** The transaction is over, whatever becomes of the message. */
function data({ helo, transaction, badCommands }: Session): Outcome {
  return [
    { helo, transaction: undefined, badCommands },
    [{ do: "takeMessage", helo, transaction: transaction! }],
  ];
}

function rset(session: Session): Outcome {
  return [{ ...session, transaction: undefined }, say(replies.flushed)];
}

function quit(session: Session, _: string, { name }: Service): Outcome {
  return [session, [...answer(reply(221, name)), { do: "hangUp", orderly: true }]];
}

function withRecipient(session: Session, recipient: string): Session {
  const { sender, recipients } = session.transaction!;
  return { ...session, transaction: { sender, recipients: [...recipients, recipient] } };
}

/** Commands that make no sense are counted; who sends nothing else is no mail client. */
const senseless = new Set([500, 502, 503, 555]);

function refuse(session: Session, refusal: Reply): Outcome {
  if (!senseless.has(refusal.code)) return [session, say(refusal)];
  const badCommands = session.badCommands + 1;
  if (badCommands <= maximumBadCommands) return [{ ...session, badCommands }, say(refusal)];
  return [session, [...say(replies.tooManyBadCommands), { do: "hangUp", orderly: false }]];
}

const answer = (reply: Reply): readonly Action[] => [{ do: "reply", reply }];

/** Most replies are always the same; so are their actions. */
const said = new WeakMap<Reply, readonly Action[]>();

function say(reply: Reply): readonly Action[] {
  let actions = said.get(reply);
  if (actions === undefined) {
    actions = answer(reply);
    said.set(reply, actions);
  }
  return actions;
}
