/**
 * The header of a message that leaves our users: trace fields first, Date and Message-ID there, addresses complete,
 * what nobody else should see gone. Source: ofmipd(8) of mess822; RFC 6409 §8.
 */
import { addressField, type Mailbox, parseAddressList } from "./address-list.ts";
import { type DateTime, dateTimeOf, dateTimeStamp, dateTimeText, parseDateTime } from "./date-time.ts";
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
/** By their names in lower case, as fields have them. */
const rewritten = new Map(
  ["Date", "Message-ID", "From", ...beforeTo, ...fromTo].map((name) => [name.toLowerCase(), name]),
);

/** The new header, without the empty line after it. */
export function completeHeader(given: readonly Field[], circumstances: Circumstances): string {
  const { rules, sender, senderIsKnown, now, messageId } = circumstances;
  let traces = "";
  let others = "";
  const found = new Map<string, Field[]>();
  for (const field of given) {
    const name = rewritten.get(field.name);
    if (name !== undefined) {
      const before = found.get(name);
      if (before === undefined) found.set(name, [field]);
      else before.push(field);
    } else if (dropped.has(field.name)) continue;
    else if (trace.test(field.name)) traces += field.raw;
    else others += field.raw;
  }
  const addresses = (name: string) => addressFields(name, found.get(name), rules);

  const date = firstDate(found.get("Date")) ?? dateTimeOf(now);
  const ids = rawOf(found.get("Message-ID")) || `Message-ID: ${messageId(dateTimeStamp(date))}\n`;
  const from = (senderIsKnown ? "" : addresses("From")) || addressField("From", [sender]);
  const [to = "", cc = "", ...receivers] = fromTo.map(addresses);
  // RFC 822 wanted a destination field, and some programs still do.
  const hidden = to === "" && cc === "" ? "Cc: recipient list not shown: ;\n" : "";
  const head = `${traces}Date: ${dateTimeText(date)}\n${ids}${from}${beforeTo.map(addresses).join("")}`;
  return `${head}${hidden}${to}${cc}${receivers.join("")}${others}`;
}

const rawOf = (fields: readonly Field[] = []) => fields.reduce((text, { raw }) => text + raw, "");

function firstDate(fields: readonly Field[] = []): DateTime | undefined {
  for (const { value } of fields) {
    const date = parseDateTime(value);
    if (date !== undefined) return date;
  }
  return undefined;
}

/** All fields of one name as one, with complete addresses; "" when there is no address in them. */
function addressFields(name: string, fields: readonly Field[] | undefined, rules: HostRules): string {
  if (fields === undefined) return "";
  const mailboxes: Mailbox[] = [];
  for (const { value } of fields) {
    const list = parseAddressList(value);
    // What is not understood is passed on: a wrong guess would lose somebody's address.
    if (list === undefined) return rawOf(fields);
    for (const { name, local, host } of list) mailboxes.push({ name, local, host: rewriteHost(host, rules) });
  }
  return mailboxes.length === 0 ? "" : addressField(name, mailboxes);
}
