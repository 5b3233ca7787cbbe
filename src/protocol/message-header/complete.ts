/**
 * The header of a message that leaves our users: trace fields first, Date and Message-ID there, addresses complete,
 * what nobody else should see gone. Source: ofmipd(8) of mess822; RFC 6409 §8.
 */
import { addressField, type Mailbox, parseAddressList } from "./address-list.ts";
import { dateTimeOf, dateTimeStamp, dateTimeText, parseDateTime } from "./date-time.ts";
import type { Field } from "./header-reader.ts";
import { type HostRules, rewriteHost } from "./rewrite-host.ts";

export interface Circumstances {
  readonly rules: HostRules;
  /** Who the message is from, for a message that does not say. */
  readonly sender: Mailbox;
  /** Whatever the message says, it is from `sender`. */
  readonly senderIsKnown: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The Message-ID, with its brackets, of a message that has none and is from the time of `stamp`. */
  readonly messageId: (stamp: string) => string;
}

/** Kept as they are, and moved up. */
const trace = /^(?:received|delivered-to|errors-to|return-receipt-to|resent-.*)$/;
/** Not for the recipients' eyes, or not true any more. */
const dropped = new Set(["bcc", "resent-bcc", "return-path", "apparently-to", "content-length"]);

/** Fields with addresses, in the order they are written. */
const beforeTo = ["Sender", "Reply-To", "Mail-Reply-To", "Mail-Followup-To"];
const fromTo = ["To", "Cc", "Notice-Requested-Upon-Delivery-To"];
const rewritten = new Set([
  "date",
  "message-id",
  "from",
  ...[...beforeTo, ...fromTo].map((name) => name.toLowerCase()),
]);

/** The new header, without the empty line after it. */
export function completeHeader(given: readonly Field[], circumstances: Circumstances): string {
  const { rules, sender, senderIsKnown, now, messageId } = circumstances;
  const fields = given.filter(({ name }) => !dropped.has(name));
  const named = (name: string) => fields.filter((field) => field.name === name.toLowerCase());
  const addresses = (name: string) => addressFields(name, named(name), rules);

  const date =
    named("Date")
      .map(({ value }) => parseDateTime(value))
      .find((known) => known !== undefined) ?? dateTimeOf(now);
  const ids = named("Message-ID").map(({ raw }) => raw);
  const from = senderIsKnown ? "" : addresses("From");
  const receivers = fromTo.map(addresses);
  return [
    ...fields.filter(({ name }) => trace.test(name)).map(({ raw }) => raw),
    `Date: ${dateTimeText(date)}\n`,
    ...(ids.length > 0 ? ids : [`Message-ID: ${messageId(dateTimeStamp(date))}\n`]),
    from || addressField("From", [sender]),
    ...beforeTo.map(addresses),
    // RFC 822 wanted a destination field, and some programs still do.
    receivers[0] === "" && receivers[1] === "" ? "Cc: recipient list not shown: ;\n" : "",
    ...receivers,
    ...fields.filter(({ name }) => !trace.test(name) && !rewritten.has(name)).map(({ raw }) => raw),
  ].join("");
}

/** All fields of one name as one, with complete addresses; "" when there is no address in them. */
function addressFields(name: string, fields: readonly Field[], rules: HostRules): string {
  const lists = fields.map(({ value }) => parseAddressList(value));
  // What is not understood is passed on: a wrong guess would lose somebody's address.
  if (lists.includes(undefined)) return fields.map(({ raw }) => raw).join("");
  const mailboxes = lists.flatMap((list) => list ?? []);
  if (mailboxes.length === 0) return "";
  return addressField(
    name,
    mailboxes.map((mailbox) => ({ ...mailbox, host: rewriteHost(mailbox.host, rules) })),
  );
}
