import type { Departure } from "../departures.ts";
import { all } from "./changes.ts";

export const checknotrootDepartures: Readonly<Record<string, Departure>> = all(
  "checknotroot",
  "A program that cannot be run is named in the log.",
  "docs/specifications.md#checknotroot-checkpassword",
  "as-non-root-program-missing",
  "as-non-root-first-argument-looks-like-option",
  "as-non-root-double-dash-not-special",
);
