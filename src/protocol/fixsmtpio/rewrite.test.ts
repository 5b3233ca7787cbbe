import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { joinLines, rewriteReply, type Step } from "./rewrite.ts";
import { parseRules } from "./rule.ts";

const reply = (text: string) => text.match(/[^\n]*\n/g) ?? [];
const plain = { greeting: "mail.example.org", offersStartTls: false };

function rewritten(rules: string, text: string, surroundings = plain): string | undefined {
  return rewriteReply("ehlo", reply(text), parseRules(rules).rules, surroundings).text;
}

const three = "250-one\r\n250-two\r\n250 three\r\n";
const fixup = ":ehlo::2*::&fixsmtpio_fixup";

for (const [name, rules, text, wanted] of [
  ["the first line is removed", ":ehlo::250?one*::", three, "250-two\r\n250 three\r\n"],
  ["the last line is removed", ":ehlo::250?three*::", three, "250-one\r\n250 two\r\n"],
  ["all lines are removed", ":ehlo::*::", three, ""],
  [
    "a line is replaced, code and all",
    ":ehlo::250?two*::550 dos",
    three,
    "250-one\r\n550-dos\r\n250 three\r\n",
  ],
  ["the fourth byte becomes the separator", ":noop::*::250x", "250 ok\r\n", "250 \r\n"],
  ["a code alone may end a reply", ":noop::*::250", "250 ok\r\n", "250\r\n"],
  [
    "a code alone inside a reply gets its separator",
    ":ehlo::250?two*::250",
    three,
    "250-one\r\n250-\r\n250 three\r\n",
  ],
  ["a shorter line is left alone", ":noop::*::ok", "250 ok\r\n", "ok\r\n"],
  [
    "a line of bare LF stays so, its replacement does not",
    ":ehlo::*two*::250 dos",
    "250-a\n250 two\n",
    "250-a\n250 dos\r\n",
  ],
  ["nothing matches: untouched", ":noop::5*::x", "250\tok\r\n", undefined],
  ["a rule that keeps the line leaves it untouched", ":noop::*::&fixsmtpio_noop", "250\tok\r\n", undefined],
  ["the last rule wins", ":noop::2*::250 a\n:noop::2*::250 b", "250 ok\r\n", "250 b\r\n"],
  [
    "a glob sees what the server sent",
    ":noop::250 ok*::250 a\n:noop::250 a*::250 b",
    "250 ok\r\n",
    "250 a\r\n",
  ],
  [
    "keeping keeps what an earlier rule made",
    ":noop::2*::250 a\n:noop::2*::&fixsmtpio_noop",
    "250 ok\r\n",
    "250 a\r\n",
  ],
  ["a NUL ends nothing", ":noop::250 a::x", "250 a\0b\r\n", undefined],
  ["greeting", ":greeting::2*::&fixsmtpio_fixup", "220 x\r\n", "220 mail.example.org ESMTP\r\n"],
  ["helo", ":helo::2*::&fixsmtpio_fixup", "250 x\r\n", "250 mail.example.org\r\n"],
  ["quit", ":quit::2*::&fixsmtpio_fixup", "221 x\r\n", "221 mail.example.org\r\n"],
  [
    "help",
    ":help::*::&fixsmtpio_fixup",
    "502 no\r\n",
    "214-fixsmtpio home page: https://schmonz.com/software/acceptutils\r\n502 no\r\n",
  ],
  [
    "ehlo: the host name, and no STARTTLS of the server's",
    fixup,
    "250-c\r\n250-STARTTLS\r\n250 SIZE\r\n",
    "250-mail.example.org\r\n250 SIZE\r\n",
  ],
  [
    "ehlo: the server's STARTTLS further down",
    fixup,
    "250-c\r\n250-SIZE\r\n250 STARTTLS\r\n",
    "250-mail.example.org\r\n250 SIZE\r\n",
  ],
] as const) {
  test(`a reply through rules: ${name}`, () => assert.equal(rewritten(rules, text), wanted));
}

for (const [name, rules, text, wanted] of [
  ["second line", fixup, "250-c\r\n250 SIZE\r\n", "250-mail.example.org\r\n250-STARTTLS\r\n250 SIZE\r\n"],
  ["also of a reply of one line", fixup, "250 c\r\n", "250-mail.example.org\r\n250 STARTTLS\r\n"],
  [
    "in place of the server's own",
    fixup,
    "250-c\r\n250 STARTTLS\r\n",
    "250-mail.example.org\r\n250 STARTTLS\r\n",
  ],
  [
    "also when a later rule removes that line",
    fixup + "\n:ehlo::250?AUTH*::",
    "250-c\r\n250-AUTH x\r\n250 SIZE\r\n",
    "250-mail.example.org\r\n250-STARTTLS\r\n250 SIZE\r\n",
  ],
  ["not without the fixup", ":ehlo::250?AUTH*::", "250-c\r\n250 SIZE\r\n", undefined],
  ["not when the server refuses", fixup, "502 no\r\n", undefined],
  ["not when nothing is left", fixup + "\n:ehlo::*::", "250 c\r\n", ""],
] as const) {
  test(`STARTTLS is offered: ${name}`, () => {
    assert.equal(rewritten(rules, text, { ...plain, offersStartTls: true }), wanted);
  });
}

test("the server's own AUTH and STARTTLS are hidden, when that is asked for", () => {
  const text =
    "250-auth x\r\n250-AUTH PLAIN\r\n250-auth=LOGIN\r\n250-STARTTLS\r\n250-AUTHX\r\n250 StartTLS\r\n";
  const hiding = { ...plain, hidesExtensions: true };
  assert.equal(rewritten("", text, hiding), "250-auth x\r\n250 AUTHX\r\n");
  const offering = { ...hiding, offersStartTls: true };
  assert.equal(rewritten(fixup, text, offering), "250-mail.example.org\r\n250-STARTTLS\r\n250 AUTHX\r\n");
});

test("the last exit code wins, over all lines", () => {
  const rules = ":ehlo::250-one*:5:&fixsmtpio_noop\n:ehlo::250 three*:7:\n:ehlo::250-two*:6:x";
  assert.equal(rewriteReply("ehlo", reply(three), parseRules(rules).rules, plain).exitCode, 7);
});

test("each rule that matches is noted, with what it did", () => {
  const notes: Step[] = [];
  const { rules } = parseRules(":noop::2*::250 a\n:noop::5*::x\n:noop::*:9:");
  rewriteReply("noop", ["250 ok\r\n"], rules, plain, (step) => notes.push(step));
  assert.deepEqual(
    notes.map(({ rule, index, before, after }) => [rule.line, index, before, after]),
    [
      [1, 0, "250 ok\r\n", "250 a"],
      [3, 0, "250 a", ""],
    ],
  );
});

test("what is joined is a well-formed reply, line for line", () => {
  const lines = fc.array(fc.stringMatching(/^[2-5][0-9]{2}([ -][ -~]*)?$/), { minLength: 1 });
  fc.assert(
    fc.property(lines, (texts) => {
      const joined = joinLines(texts.map((text) => text + "\r\n").join("")).split("\r\n");
      assert.equal(joined.pop(), "");
      assert.deepEqual(
        joined.map((line) => line.slice(0, 3) + line.slice(4)),
        texts.map((text) => text.slice(0, 3) + text.slice(4)),
      );
      assert.ok(joined.slice(0, -1).every((line) => line[3] === "-"));
      assert.match(joined.at(-1)!, /^[0-9]{3}( |$)/);
    }),
  );
});
