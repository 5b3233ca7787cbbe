/** What qmail-remote says of a delivery. Source: qmail's qmail-remote.c. */
import type { Report } from "../queue/job.ts";

/** How a host answered; see system/smtp-client.ts. */
export interface Refused {
  readonly stage: "connect" | "sender" | "recipient" | "content";
  readonly code: number | undefined;
  readonly reply: string;
}

const stages = {
  connect: (host: string) => `Connected to ${host} but greeting failed.`,
  sender: (host: string) => `Connected to ${host} but sender was rejected.`,
  recipient: (host: string) => `${host} does not like recipient.`,
  content: (host: string) => `${host} failed after I sent the message.`,
} as const;

export function accepted(host: string, reply: string): Report {
  return { how: "success", text: `${host} accepted message.\nRemote host said: ${lines(reply)}` };
}

/** A reply of 500 and above is for good; anything else, silence too, is for now. */
export function refused(host: string, { stage, code, reply }: Refused): Report {
  if (code === undefined) {
    const text = `Connected to ${host} but connection died: ${lines(reply).trimEnd()} (#4.4.2)\n`;
    return { how: "deferral", text };
  }
  const text = `${stages[stage](host)}\nRemote host said: ${lines(reply)}Giving up on ${host}.\n`;
  return { how: code >= 500 ? "failure" : "deferral", text };
}

export const noConnection: Report = {
  how: "deferral",
  text: "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
};

export const noAnswer: Report = { how: "deferral", text: "CNAME lookup failed temporarily. (#4.4.3)\n" };

export function noHost(domain: string): Report {
  return {
    how: "failure",
    text: `Sorry, I couldn't find any host named ${lines(domain).trimEnd()}. (#5.1.2)\n`,
  };
}

export const ourselves: Report = {
  how: "failure",
  text: `Sorry. Although I'm listed as a best-preference MX or A for that host,
it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)
`,
};

/** A reply as lines of our own, and no longer than a bounce should be. */
function lines(reply: string): string {
  const text = reply
    .slice(0, 2000)
    .replace(/\r?\n/g, "\n")
    .replace(/[^\n\x20-\x7e]/g, "?");
  return `${text.trimEnd()}\n`;
}
