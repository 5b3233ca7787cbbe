import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFields, maximumOctets, parseFields } from "./fields.ts";
import { Secret } from "./secret.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const shown = (text: string) => {
  const fields = parseFields(bytes(text));
  return fields && [fields.user, Buffer.from(fields.secret.reveal()).toString("latin1"), fields.timestamp];
};

for (const [text, result] of [
  ["alice\0secret\0<1.2@host>\0", ["alice", "secret", "<1.2@host>"]],
  ["alice\0secret\0\0", ["alice", "secret", ""]],
  ["alice\0secret\0", ["alice", "secret", ""]],
  ["alice\0secret\0stamp", ["alice", "secret", "stamp"]],
  ["alice\0secret\0stamp\0junk\0", ["alice", "secret", "stamp"]],
  ["\0\0\0", ["", "", ""]],
  ["al\xefce\0\xff\0\0", ["al\xefce", "\xff", ""]],
  ["", undefined],
  ["alice", undefined],
  ["alice\0", undefined],
  ["alice\0secret", undefined],
] as const) {
  test(`${JSON.stringify(text)} is ${JSON.stringify(result)}`, () => assert.deepEqual(shown(text), result));
}

test("what was formatted parses to itself, and nothing is longer than checkpassword takes", () => {
  const field = fc.string({
    maxLength: 300,
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(field, field, field, (user, password, timestamp) => {
      const wire = formatFields({ user, secret: new Secret(bytes(password)), timestamp });
      if (wire === undefined) {
        assert.ok(user.length + password.length + timestamp.length + 3 > maximumOctets);
        return;
      }
      assert.ok(wire.length <= maximumOctets);
      assert.deepEqual(shown(Buffer.from(wire).toString("latin1")), [user, password, timestamp]);
    }),
  );
});
