import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { candidates, matching } from "./candidates.ts";
import { parseRules } from "./rule.ts";

test("no rule that matches a line is left out, and the order is kept", () => {
  const piece = fc.constantFrom("2", "5", "0", " ", "abc", "x".repeat(20), "*", "?", "[0-9]");
  const text = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.array(text, { minLength: 16, maxLength: 40 }), fc.array(text), (globs, lines) => {
      const { rules } = parseRules(globs.map((glob) => `:noop::${glob}::250 x`).join("\n"));
      for (const line of lines) {
        const all = rules.filter(({ glob }) => glob.matches(line));
        assert.deepEqual(
          candidates(rules, line).filter(({ glob }) => glob.matches(line)),
          all,
        );
        for (const again of [1, 2]) assert.deepEqual(matching(rules, line), all, `time ${again}`);
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

test("a line that comes again is not looked at again; few lines are remembered, and no long ones", () => {
  const { rules } = parseRules(Array.from({ length: 20 }, (_, at) => `:noop::*x${at}*::250 x`).join("\n"));
  const same = (line: string, others: number) => {
    const first = matching(rules, line);
    for (let other = 0; other < others; other++) matching(rules, `250 ${other}\r\n`);
    return matching(rules, line) === first;
  };
  assert.ok(same("250 x7\r\n", 10));
  assert.ok(!same("250 x7\r\n", 100));
  assert.ok(!same(`250 x7${"y".repeat(600)}\r\n`, 0));
});
