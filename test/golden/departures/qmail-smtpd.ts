/** Where our qmail-smtpd differs from the original on purpose. */
import type { Departure } from "../departures.ts";

export const smtpdDepartures: Readonly<Record<string, Departure>> = {
  "qmail-smtpd/data-bare-cr-kept": {
    reason: "A carriage return alone is no byte of a message: a server behind us may take it for a line end.",
    see: "docs/specifications.md, smtpd-bare-cr",
  },
};
