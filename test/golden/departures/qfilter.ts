/** Where our message filters differ from the originals on purpose. */
import type { Departure } from "../departures.ts";
import { changeReplies } from "./changes.ts";

export const qfilterDepartures: Readonly<Record<string, Departure>> = {
  "bugs/qmail-qfilter-addtlsheader/user-with-newline-injects-header": {
    reason: "The trace line is one line, whatever the user's name is.",
    see: "docs/specifications.md, addtlsheader-words",
    ours: (theirs) => changeReplies(theirs, (text) => text.replace("a\nX-Added: 1 Y", "a?X-Added:?1 Y")),
  },
};
