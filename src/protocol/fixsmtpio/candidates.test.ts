import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { candidates } from "./candidates.ts";
import { parseRules } from "./rule.ts";

test("no rule that matches a line is left out, and the order is kept", () => {
  const piece = fc.constantFrom("2", "5", "0", " ", "abc", "x".repeat(20), "*", "?", "[0-9]");
  const text = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.array(text, { minLength: 16, maxLength: 40 }), fc.array(text), (globs, lines) => {
      const { rules } = parseRules(globs.map((glob) => `:noop::${glob}::250 x`).join("\n"));
      for (const line of lines) {
        const matching = rules.filter(({ glob }) => glob.matches(line));
        assert.deepEqual(
          candidates(rules, line).filter(({ glob }) => glob.matches(line)),
          matching,
        );
      }
    }),
  );
});

test("of a thousand rules a few are left", () => {
  const source = Array.from({ length: 1000 }, (_, at) => `:ehlo::250-X${at}*::`).join("\n");
  const left = candidates(parseRules(source).rules, "250-X99 y\r\n");
  assert.deepEqual(
    left.map(({ line }) => line),
    [10, 100],
  );
});
