import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { accessRule, addressKeys, nameKeys, variableIn } from "./s6-rules.ts";

test("the networks of an address, from itself to all of them", () => {
  const keys = [...addressKeys("192.0.2.7")];
  assert.equal(keys.length, 33);
  assert.deepEqual(keys.slice(0, 4), [
    "ip4/192.0.2.7_32",
    "ip4/192.0.2.6_31",
    "ip4/192.0.2.4_30",
    "ip4/192.0.2.0_29",
  ]);
  assert.equal(keys.at(-1), "ip4/0.0.0.0_0");
});

test("the same of IPv6", () => {
  const keys = [...addressKeys("2001:db8::1")];
  assert.equal(keys.length, 129);
  assert.equal(keys[0], "ip6/2001:db8::1_128");
  assert.ok(keys.includes("ip6/2001:db8::_32"));
  assert.equal(keys.at(-1), "ip6/::_0");
});

test("what is no address has no rule", () => assert.deepEqual([...addressKeys("mx.example.org")], []));

test("the ends of a name", () => {
  assert.deepEqual(
    [...nameKeys("mx.example.org")],
    ["reversedns/mx.example.org", "reversedns/example.org", "reversedns/org", "reversedns/@"],
  );
});

// As s6-accessrules-cdb-from-fs of s6 2.11 wrote them.
for (const [data, expected] of [
  ["D", { allow: false, env: [], exec: undefined }],
  ["A\0\0\0\0", { allow: true, env: [], exec: undefined }],
  [
    "A\0\x13FOO=yes\0EMPTY=\0BAR\0\0\0",
    {
      allow: true,
      env: [
        ["FOO", "yes"],
        ["EMPTY", ""],
        ["BAR", undefined],
      ],
      exec: undefined,
    },
  ],
  ["A\0\x08NUL=a\nb\0\0\x08echo hi\n", { allow: true, env: [["NUL", "a\nb"]], exec: "echo hi\n" }],
] as const) {
  test(`${JSON.stringify(data)} is a rule`, () => {
    const rule = accessRule(data);
    assert.deepEqual(rule && { exec: undefined, ...rule, env: [...rule.env] }, expected);
  });
}

test("a rule that is cut anywhere is none, and nobody is let in by it", () => {
  const whole = "A\0\x08NUL=a\nb\0\0\x08echo hi\n";
  for (let end = 0; end < whole.length; end++)
    assert.equal(accessRule(whole.slice(0, end)), undefined, `${end}`);
});

test("no data breaks the reader", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (data) => {
      const rule = accessRule(data);
      assert.ok(rule === undefined || data.startsWith(rule.allow ? "A" : "D"));
    }),
  );
});

for (const [file, value] of [
  ["", undefined],
  ["\n", ""],
  ["yes  \n more", "yes"],
  ["a\0b\n", "a\nb"],
  ["no end", "no end"],
] as const) {
  test(`a file ${JSON.stringify(file)} in env is ${JSON.stringify(value)}`, () =>
    assert.equal(variableIn(file), value));
}
