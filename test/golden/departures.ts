/**
 * Where we answer otherwise than the originals did, on purpose: the reason, where it is written for users, and what
 * ours does instead, in full. A case that is not named here must be the same to the byte.
 */
import type { Case, Outcome } from "../runner/case.ts";
import { authupDepartures, authupRules } from "./departures/authup.ts";
import { checknotrootDepartures } from "./departures/checknotroot.ts";
import { fixsmtpioDepartures, fixsmtpioRules } from "./departures/fixsmtpio.ts";
import { chainDepartures, chainRules } from "./departures/full-chain.ts";
import { ofmipdDepartures } from "./departures/ofmipd.ts";
import { qfilterDepartures } from "./departures/qfilter.ts";
import { pop3dDepartures } from "./departures/qmail-pop3d.ts";
import { smtpdDepartures } from "./departures/qmail-smtpd.ts";
import { rblsmtpdDepartures } from "./departures/rblsmtpd.ts";

export interface Departure {
  /** Why, in a line or two. */
  readonly reason: string;
  /** Where it is documented: a section of docs/specifications.md or of a man page. */
  readonly see: string;
  /**
   * What ours does: the given parts replace those of the recorded outcome, which a function is told.
   * Left out, it stands in departures.json, which `node test/golden.test.ts --accept` writes; review the diff.
   */
  readonly ours?: Partial<Outcome> | ((theirs: Outcome) => Partial<Outcome>);
}

/** A departure that is the same for many cases, whether or not it makes a difference to each. All that apply are made. */
export interface Rule {
  readonly reason: string;
  readonly see: string;
  applies(played: Case, file: string): boolean;
  readonly ours: (theirs: Outcome) => Partial<Outcome>;
}

export const rules: readonly Rule[] = [...authupRules, ...fixsmtpioRules, ...chainRules];

/** By FILE/NAME, for bugs.json by bugs/TOPIC/NAME. They come after the rules. */
export const departures: Readonly<Record<string, Departure>> = {
  ...authupDepartures,
  ...checknotrootDepartures,
  ...ofmipdDepartures,
  ...rblsmtpdDepartures,
  ...chainDepartures,
  ...fixsmtpioDepartures,
  ...pop3dDepartures,
  ...qfilterDepartures,
  ...smtpdDepartures,
};

/** Bugs of the originals that cannot be seen from outside, such as a write past the end of a string: ours say the same. */
export const unseen: ReadonlySet<string> = new Set([
  "bugs/full-chain/incoming-quit-pipelined-after-message",
  "bugs/fixsmtpio/multi-replacement-of-one-byte-as-last",
  "bugs/fixsmtpio/single-replacement-one-byte",
]);
