import assert from "node:assert/strict";
import { test } from "node:test";
import { rfc5322Date } from "./date.ts";

for (const [milliseconds, date] of [
  [0, "1 Jan 1970 00:00:00 -0000"],
  [Date.UTC(2024, 1, 5, 10), "5 Feb 2024 10:00:00 -0000"],
  [Date.UTC(2026, 10, 22, 13, 36, 30) + 999, "22 Nov 2026 13:36:30 -0000"],
] as const) {
  test(date, () => assert.equal(rfc5322Date(milliseconds), date));
}
