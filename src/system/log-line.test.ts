import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lineOf } from "./log-line.ts";

for (const [text, line] of [
  ["authup 1 protocol smtp", "authup 1 protocol smtp\n"],
  ["", "\n"],
  ["z\xfcrich\t\x01", "z\xfcrich\t\x01\n"], // as the originals write it
  ["Error: no\n    at a\n    at b", "Error: no | at a | at b\n"],
  ["a\r\nb\rc\0", "a | b?c?\n"],
  // A name of a user that a database repeats in its words for an error.
  ["no such name \u010aauthup\u01201\u0120failed", "no such name ?authup?1?failed\n"],
] as const) {
  test(`${JSON.stringify(text)} is one line`, () => assert.equal(lineOf(text).toString("latin1"), line));
}

test("whatever is logged, it is one line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = lineOf(text);
      assert.equal(line.indexOf("\n"), line.length - 1);
    }),
  );
});
