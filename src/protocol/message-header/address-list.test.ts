import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressField, type Mailbox, mailboxText, parseAddressList } from "./address-list.ts";

for (const [value, ...written] of [
  ["alice@example.net", "alice@example.net"],
  ["Bob <bob@example.com>", '"Bob" <bob@example.com>'],
  ["bob@example.com (Bob B. Bob)", '"Bob B. Bob" <bob@example.com>'],
  ["Bob B. Bob <bob@example.com>", '"Bob B. Bob" <bob@example.com>'],
  ['"Alice, L." <a@example.net>', '"Alice, L." <a@example.net>'],
  ['"say \\"hi\\" \\\\o/" <a@b>', '"say \\"hi\\" \\\\o/" <a@b>'],
  ["a@x,\n b@y,, ,\tc", "a@x", "b@y", "c"],
  ["friends: a@x, b@y;", '"friends" <a@x>', "b@y"],
  ["friends: Ann <a@x>, b@y;, c@z", '"Ann" <a@x>', "b@y", "c@z"],
  ["undisclosed-recipients:;"],
  [""],
  ["(nobody)"],
  ["<@r1,@r2:a@b>", "a@b"],
  ["a . b @ c . d", "a.b@c.d"],
  ["a@[192.0.2.1]", "a@[192.0.2.1]"],
  ["host+@b+", "host+@b+"],
  ['"a b"@c', '"a b"@c'],
  ['a."b".c@d', "a.b.c@d"],
  ["a (one (two) \\) three) <x@y>", '"a one (two) ) three" <x@y>'],
  ["caf\xe9 <x@y>", '"caf\xe9" <x@y>'],
  // In quotes an encoded word is not decoded (RFC 2047 §5).
  ["=?utf-8?q?J=C3=BCrgen?= M <j@x>", "=?utf-8?q?J=C3=BCrgen?= M <j@x>"],
  ["j@x (=?utf-8?b?SsO8?=)", "=?utf-8?b?SsO8?= <j@x>"],
  ['"=?utf-8?q?a,b?= c" <j@x>', '"=?utf-8?q?a,b?= c" <j@x>'],
  ["Bcc@x\n Evil <a@b>", undefined], // two words and an address
  ["alice bob", undefined],
  ["a@b c@d", undefined],
  ["a@", undefined],
  ["@b", undefined],
  ["<a@b", undefined],
  ["a@b>", undefined],
  ['"open', undefined],
  ["(open", undefined],
  ["a [b] c", undefined],
] as [string, ...(string | undefined)[]][]) {
  test(`the list ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseAddressList(value)?.map(mailboxText) ?? [undefined], written);
  });
}

const text = fc.string({
  unit: fc.constantFrom("a", "B", " ", '"', "\\", "(", ",", "@", "\xe9", "<", "."),
  minLength: 1,
});
const mailbox = fc.record(
  {
    name: fc.string({ unit: fc.constantFrom("a", "B", '"', "\\", "(", ",", "\xe9", ";") }),
    local: text,
    host: fc.constantFrom("", "x.example", "[192.0.2.1]"),
  },
  { noNullPrototype: true },
);

test("what was written is read again as it was", () => {
  fc.assert(
    fc.property(fc.array(mailbox, { minLength: 1 }), (mailboxes) => {
      const field = addressField("To", mailboxes as Mailbox[]);
      assert.ok(
        /^(?: |To:)[^\n]*\n$/.test(field) ||
          field
            .split("\n")
            .slice(1, -1)
            .every((line) => line.startsWith("  ")),
      );
      assert.deepEqual(parseAddressList(field.slice(3)), mailboxes);
    }),
  );
});

test("no value keeps the parser busy, or makes a line of its own", () => {
  const hostile = fc.array(
    fc.constantFrom('"', "(", ")", "<", ">", "[", "]", "\\", "a", ",", ":", ";", "@", "\n", "=?u?q?"),
  );
  fc.assert(
    fc.property(hostile, (pieces) => {
      for (const { name, local, host } of parseAddressList(pieces.join("")) ?? []) {
        assert.ok(!/[\n\r]/.test(name + local + host));
      }
    }),
    { numRuns: 1000 },
  );
  for (const piece of ['"', "(", "[", "\\", "a ", "<", ","]) parseAddressList(piece.repeat(200_000));
});

test("lines are folded before 78 octets", () => {
  const list = Array.from({ length: 3 }, (_, at) => ({
    name: "",
    local: `user0${at}`,
    host: "a-rather-long-domain.example.net",
  }));
  assert.equal(
    addressField("To", list),
    "To: user00@a-rather-long-domain.example.net,\n" +
      "  user01@a-rather-long-domain.example.net,\n" +
      "  user02@a-rather-long-domain.example.net\n",
  );
});
