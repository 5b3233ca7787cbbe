/** Where our ofmipd differs from the original on purpose. */
import type { Departure } from "../departures.ts";

export const ofmipdDepartures: Readonly<Record<string, Departure>> = {
  "ofmipd/bare-lf-message": {
    reason: "Only CR LF . CR LF ends a message; servers that differ about it let messages be smuggled in.",
    see: "docs/specifications.md, ofmipd-bare-lf",
  },
};
