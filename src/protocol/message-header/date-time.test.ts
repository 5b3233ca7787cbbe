import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rfc5322Date } from "../smtp/date.ts";
import { dateTimeOf, dateTimeStamp, dateTimeText, parseDateTime } from "./date-time.ts";

for (const [value, text] of [
  [" Tue, 3 Mar 2020 10:11:12 +0100", "3 Mar 2020 10:11:12 +0100"],
  ["Mon, 02 Mar 20 10:11:12 EST", "2 Mar 2020 10:11:12 -0500"],
  ["3 Mar 2020 10:11 GMT", "3 Mar 2020 10:11:00 +0000"],
  ["3 mar 1999 1:02:03 -0800 (PST)\n", "3 Mar 1999 1:02:03 -0800".replace(" 1:", " 01:")],
  ["Tue,\n 3 March 2020 10:11:12", "3 Mar 2020 10:11:12 -0000"],
  ["3 Mar 70 10:11:12 Z", "3 Mar 1970 10:11:12 -0000"],
  ["3 Mar 120 10:11:12 UT", "3 Mar 2020 10:11:12 +0000"],
  ["3-Mar-2020 10:11:12 UT", "3 Mar 2020 10:11:12 +0000"],
  ["29 Feb 2024 23:59:60 UT", "29 Feb 2024 23:59:60 +0000"],
  ["29 Feb 2023 10:11:12 UT", undefined],
  ["0 Mar 2020 10:11:12 UT", undefined],
  ["3 Foo 2020 10:11:12 UT", undefined],
  ["3 Mar 2020 24:11:12 UT", undefined],
  ["yesterday", undefined],
  ["", undefined],
] as const) {
  test(`the date ${JSON.stringify(value)}`, () => {
    const date = parseDateTime(value);
    assert.equal(date && dateTimeText(date), text);
  });
}

test("what was written is read again as it was", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (now) => {
      assert.equal(dateTimeText(dateTimeOf(now)), rfc5322Date(now));
      assert.deepEqual(parseDateTime(rfc5322Date(now)), dateTimeOf(now));
    }),
  );
});

test("a stamp is the date as its author's clock showed it", () => {
  assert.equal(dateTimeStamp(parseDateTime("3 Mar 2020 10:11:12 +0100")!), "20200303101112");
});
