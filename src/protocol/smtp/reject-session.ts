/** The conversation with a client that is turned away: polite until it names a recipient. Source: rblsmtpd.c. */
import { type Command, tooLong } from "./command.ts";
import { type Reply, reply } from "./reply.ts";

const name = "rblsmtpd.local";
export const greeting = reply(220, name);
const ok = reply(250, name);
const goodbye = reply(221, name);

/** EHLO gets one line: a client that is turned away should not start TLS first. */
const harmless = new Set(["HELO", "EHLO", "MAIL", "RSET", "NOOP"]);

/** The reply to one command; `over` after QUIT. */
export function turnAway(
  { verb }: Command,
  refusal: Reply,
): { readonly reply: Reply; readonly over: boolean } {
  if (verb === "QUIT") return { reply: goodbye, over: true };
  return { reply: verb !== tooLong.verb && harmless.has(verb) ? ok : refusal, over: false };
}
