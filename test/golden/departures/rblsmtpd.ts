/** Where our rblsmtpd differs from the original on purpose. */
import type { Outcome } from "../../runner/case.ts";
import type { Departure } from "../departures.ts";

export const rblsmtpdDepartures: Readonly<Record<string, Departure>> = {
  "rblsmtpd/env-message-timeout-1": {
    reason: "The end by timeout is logged; the original ends without a word.",
    see: "docs/specifications.md, rblsmtpd-alarm",
    ours: ({ stderr }) => ({ stderr: `${stderr}rblsmtpd: 192.0.2.7 pid <PID>: timed out after 1 seconds\n` }),
  },
  ...Object.fromEntries(
    ["fail-open", "anti-list-fail-open", "fail-closed-c"].map((name) => [
      `rblsmtpd/lookup-servfail-${name}`,
      {
        reason:
          "A name server that says it failed is believed at once; the original asks on for ten seconds.",
        see: "docs/specifications.md#sslserver-and-rblsmtpd",
        ours: ({ steps }: Outcome) => ({
          steps: steps.filter((step) => !("wait_ms" in step) && !("expect" in step && step.expect === "")),
        }),
      },
    ]),
  ),
};
