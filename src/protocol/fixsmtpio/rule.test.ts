import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatRule, parseRules } from "./rule.ts";

const complaints = (text: string) =>
  parseRules(text).problems.map((problem) => `${problem.line}:${problem.column}: ${problem.text}`);

// The first column is the vectors of the original's own tests.
for (const [line, complaint] of [
  [",", "1:2: a rule has six fields, env:event:prepend:glob:exitcode:response, not 1 field"],
  [":", "1:2: a rule has six fields, env:event:prepend:glob:exitcode:response, not 2 fields"],
  [":event:prepend:glob:55:response", undefined],
  ["env::prepend:glob:55:response", "1:5: the event is missing"],
  ["env:event:prepend::55:response", "1:19: the glob is missing"],
  ["env:event:prepend:glob:exitcode:response", '1:24: exit code must be 0 to 255, not "exitcode"'],
  ["env:event:prepend:glob:500:response", '1:24: exit code must be 0 to 255, not "500"'],
  ["env:event:prepend:glob:4294967296:x", '1:24: exit code must be 0 to 255, not "4294967296"'],
  ["env:event:prepend:glob:14abc:x", '1:24: exit code must be 0 to 255, not "14abc"'],
  ["env:event:prepend:glob:-1:x", '1:24: exit code must be 0 to 255, not "-1"'],
  ["env:event:prepend:glob:007:x", undefined],
  ["env:event:prepend:glob:55:", undefined],
  [
    "env:event:prepend:glob:55",
    "1:26: a rule has six fields, env:event:prepend:glob:exitcode:response, not 5 fields",
  ],
  ["env:event:prepend:glob:55:response: 250 ok", undefined],
  [":word:NOOP :*::250 indeed", undefined],
  [
    "env:clienteof:prepend:glob:55:custom response",
    "1:31: clienteof takes no response: nobody is there to read it",
  ],
  [
    "env:CLIENTEOF:prepend:glob:55:&fixsmtpio_noop",
    "1:31: clienteof takes no response: nobody is there to read it",
  ],
  ["env:HELO:prepend:glob:55:&fixsmtpio_fixup", undefined],
  [
    "env:event:prepend:glob:55:&fixsmtpio_fixup",
    '1:27: &fixsmtpio_fixup is for greeting, helo, ehlo, help, quit, not for "event"',
  ],
  [
    "env:event:prepend:glob:55:&fixsmtpio_unknown_thingy",
    '1:27: there is no built-in response "&fixsmtpio_unknown_thingy"',
  ],
  ["env:event:prepend:glob:55:&other_ampersand_response", undefined],
  [":flibbertigibbet::*::", undefined],
  [":noop::*::250 a\0b", "1:16: a rule cannot have a NUL byte"],
] as const) {
  test(`${JSON.stringify(line)} is ${complaint === undefined ? "a rule" : "refused"}`, () => {
    assert.deepEqual(complaints(line), complaint === undefined ? [] : [complaint]);
  });
}

test("comments and empty lines are no rules, blanks at the end are no part of one", () => {
  const { rules, problems } = parseRules(
    "# one\n\n \t\n:noop::*:5:250 a:b \t\n#two\n:rset::2*::&fixsmtpio_noop",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    rules.map((rule) => [rule.line, rule.event, rule.exitCode, rule.response]),
    [
      [4, "noop", 5, { do: "replace", text: "250 a:b" }],
      [6, "rset", undefined, { do: "keep" }],
    ],
  );
});

test("all errors of a file are told, and its good rules are there", () => {
  const { rules, problems } = parseRules(":noop::*:1:\nbad\n::x:::\n");
  assert.equal(rules.length, 1);
  assert.deepEqual(
    problems.map(({ line, column }) => [line, column]),
    [
      [2, 4],
      [3, 2],
      [3, 5],
    ],
  );
});

test("a carriage return belongs to the rule", () => {
  assert.deepEqual(parseRules(":noop::*::250 x\r\n").rules[0]?.response, { do: "replace", text: "250 x\r" });
});

test("the prepend keeps its blanks", () => {
  assert.equal(parseRules(":auth:NOOP :*::x").rules[0]?.prepend, "NOOP ");
});

test("reading a rule that was written gives it back", () => {
  const field = fc.string().map((text) => text.replace(/[:\n\0\x80-\xff]|[^\0-\xff]/g, ""));
  const word = field.filter((text) => text !== "");
  const response = field.map((text) => text.replace(/[ \t]+$/, "")).filter((text) => !text.startsWith("&"));
  const exitCode = fc.option(fc.integer({ min: 0, max: 255 }), { nil: "" });
  fc.assert(
    fc.property(field, word, field, word, exitCode, response, (env, event, prepend, glob, code, words) => {
      const source = [env, event, prepend, glob, code, words].join(":");
      fc.pre(!source.startsWith("#") && event.toLowerCase() !== "clienteof");
      const { rules, problems } = parseRules(source);
      assert.deepEqual(problems, []);
      const again = formatRule(rules[0]!);
      assert.equal(again, [env, event.toLowerCase(), prepend, glob, code, words].join(":"));
      assert.equal(formatRule(parseRules(again).rules[0]!), again);
    }),
  );
});
