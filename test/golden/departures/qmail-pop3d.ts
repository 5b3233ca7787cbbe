/** Where our qmail-pop3d differs from the original on purpose. */
import type { Departure } from "../departures.ts";
import { changeReplies } from "./changes.ts";

export const pop3dDepartures: Readonly<Record<string, Departure>> = {
  "qmail-pop3d/dele-then-retr-list": {
    reason: "STAT counts the messages that are left, as it counts their octets (RFC 1939 §5).",
    see: "docs/specifications.md, pop3d-stat",
    ours: (theirs) => changeReplies(theirs, (text) => text.replace("+OK 3 145", "+OK 2 145")),
  },
  "qmail-pop3d/uidl-special-name": {
    reason: "A file whose name is no unique-id (RFC 1939 §7) is not in the UIDL listing.",
    see: "docs/specifications.md, pop3d-uidl",
    ours: (theirs) => changeReplies(theirs, (text) => text.replace("1 1700000001.a b,S=12\r\n", "")),
  },
  "qmail-pop3d/crlf-in-stored-message": {
    reason: "Nothing is different: the recorder read the stored file back as text, which lost its CRs.",
    see: "qmail-pop3d(8)",
    ours: { files_after: { "Maildir/cur/1700000001.1.mail:2,": "Subject: x\r\n\r\nb\r\n" } },
  },
};
