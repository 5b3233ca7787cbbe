/**
 * The report of a failure to the sender: a DSN whose readable part keeps the words that qmail-send has always used.
 * RFC 3464; the words: qmail's qmail-send.c.
 */
import { rfc5322Date } from "../smtp/date.ts";

/** A message that some recipients did not get. Text is latin1. */
export interface Undelivered {
  readonly sender: string;
  readonly failures: readonly { readonly address: string; readonly text: string }[];
  /** The message from its start, as far as the header goes or more. */
  readonly head: Uint8Array;
  /** Milliseconds since 1970. */
  readonly arrived: number;
}

/** Who reports. */
export interface Reporter {
  /** control/me */
  readonly me: string;
  /** Where double bounces go: control/doublebounceto at control/doublebouncehost. */
  readonly postmaster: string;
  readonly now: number;
  /** Of the message that failed: makes the boundary and the Message-ID. */
  readonly id: number;
}

export interface Bounce {
  readonly sender: string;
  readonly recipient: string;
  readonly content: Uint8Array;
}

/** The sender of a report about a report, which is never reported on. RFC 5321 §4.5.5 is for the first; qmail for this. */
export const doubleBounceSender = "#@[]";

/** The report; undefined when the message was itself a report about a report, and is dropped. */
export function bounceOf(message: Undelivered, reporter: Reporter): Bounce | undefined {
  if (message.sender === doubleBounceSender) return undefined;
  const double = message.sender === "";
  const recipient = double ? reporter.postmaster : message.sender;
  const text = contentOf(message, reporter, recipient, double ? words.double : words.single);
  return { sender: double ? doubleBounceSender : "", recipient, content: Buffer.from(text, "latin1") };
}

const words = {
  single: `I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.
`,
  double: `I tried to deliver a bounce message to this address, but the bounce bounced!
`,
} as const;

function contentOf(
  message: Undelivered,
  { me, now, id }: Reporter,
  recipient: string,
  reason: string,
): string {
  const boundary = `${now}.${id}/${me.replace(/[^A-Za-z0-9.-]/g, "")}`;
  const part = (type: string, body: string) => `--${boundary}\nContent-Type: ${type}\n\n${body}\n`;
  const failures = message.failures.map(({ address, text }) => `<${oneLine(address)}>:\n${text}`);
  return [
    `Date: ${rfc5322Date(now)}`,
    `From: MAILER-DAEMON@${me}`,
    `To: ${oneLine(recipient)}`,
    `Message-ID: <${now}.${id}.qmail@${me}>`,
    "Subject: failure notice",
    "Auto-Submitted: auto-replied", // RFC 3834: no vacation program answers it
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="${boundary}"`,
    "",
    part(
      "text/plain; charset=x-unknown",
      `Hi. This is the qmail-send program at ${me}.\n${reason}\n${failures.join("\n")}`,
    ) +
      part("message/delivery-status", statusOf(message, me)) +
      part("text/rfc822-headers", headerOf(message.head)) +
      `--${boundary}--\n`,
  ].join("\n");
}

function statusOf({ failures, arrived }: Undelivered, me: string): string {
  const perMessage = `Reporting-MTA: dns; ${me}\nArrival-Date: ${rfc5322Date(arrived)}\n`;
  const perRecipient = failures.map(({ address, text }) => {
    const status = /#(5\.\d{1,3}\.\d{1,3})/.exec(text)?.[1] ?? "5.0.0";
    return `Final-Recipient: rfc822; ${oneLine(address)}\nAction: failed\nStatus: ${status}\n`;
  });
  return [perMessage, ...perRecipient].join("\n");
}

const maximumHeaderOctets = 16384;

/** The header fields alone: a bounce is no way to send somebody a body. */
function headerOf(head: Uint8Array): string {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, maximumHeaderOctets)).toString(
    "latin1",
  );
  const end = text.indexOf("\n\n");
  return end < 0 ? text : text.slice(0, end + 1);
}

/** Addresses can hold any byte but NUL. */
const oneLine = (address: string) => address.replace(/[\x00-\x1f\x7f]/g, "_");
