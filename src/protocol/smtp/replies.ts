/** The words of qmail-smtpd and ofmipd, which people and programs match on. Source: qmail's qmail-smtpd.c, ofmipd.c. */
import { reply } from "./reply.ts";

export const ok = reply(250, "ok");
export const flushed = reply(250, "flushed");
export const someMail = reply(252, "send some mail, i'll try my best");
export const goAhead = reply(354, "go ahead");

export const unknownVerb = reply(502, "unimplemented (#5.5.1)");
export const mailFirst = reply(503, "MAIL first (#5.5.1)");
export const rcptFirst = reply(503, "RCPT first (#5.5.1)");
export const syntaxError = reply(555, "syntax error (#5.5.4)");

export const badSender = reply(553, "sorry, your envelope sender is in my badmailfrom list (#5.7.1)");
export const noRelay = reply(553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)");
export const noMailbox = reply(550, "sorry, no mailbox here by that name. (#5.1.1)");
/** What a check of RCPTCHECK says; qmail's rcptcheck patch has 553 where we say 550 of our own knowledge. */
export const checkRefused = reply(553, "sorry, no mailbox here by that name. (#5.1.1)");
export const checkUnable = reply(421, "unable to verify recipient (#4.3.0)");
export const checkNotRun = reply(421, "unable to execute recipient check (#4.3.0)");

export const tooLarge = reply(552, "sorry, that message size exceeds my databytes limit (#5.3.4)");
export const looping = reply(554, "too many hops, this message is looping (#5.4.6)");
/** Only CR LF ends a line: what else some servers take for one is how messages are smuggled in. */
export const bareLineFeed = reply(451, "See http://pobox.com/~djb/docs/smtplf.html.");
export const bareCarriageReturn = reply(
  451,
  "a carriage return without a line feed: lines of a message end with both (#4.6.0)",
);
export const noQueue = reply(451, "qqt failure (#4.3.0)");

export const noControls = reply(421, "unable to read controls (#4.3.0)");
export const silence = reply(451, "timeout (#4.4.2)");

/** Ours, not the originals', which have no limits here. RFC 5321 §4.5.3.1.10, §4.5.3.1.9, §4.3.2. */
export const tooManyRecipients = reply(452, "too many recipients (#4.5.3)");
export const lineTooLong = reply(500, "command line too long (#5.5.6)");
export const tooManyBadCommands = reply(421, "too many bad commands (#4.7.0)");
