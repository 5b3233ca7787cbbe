/** Where our rblsmtpd differs from the original on purpose. */
import type { Departure } from "../departures.ts";

export const rblsmtpdDepartures: Readonly<Record<string, Departure>> = {
  "rblsmtpd/env-message-timeout-1": {
    reason: "The end by timeout is logged; the original ends without a word.",
    see: "docs/specifications.md, rblsmtpd-alarm",
    ours: ({ stderr }) => ({ stderr: `${stderr}rblsmtpd: 192.0.2.7 pid <PID>: timed out after 1 seconds\n` }),
  },
};
