import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { Cdb, cdbBytes } from "../cdb/cdb.ts";
import { addressBits, expandedAddress } from "./address.ts";
import { BadRule, type Client, compileRules, verdictOn } from "./rules.ts";

const compiled: Record<string, [string, [string, string][]]> = {
  "an address": ['1.2.3.4:allow,RELAYCLIENT=""', [["1.2.3.4", "+RELAYCLIENT=\0"]]],
  "a prefix and trailing blanks": ["1.2.:deny \t", [["1.2.", "D\0"]]],
  "a range": [
    "10.1-3.:allow",
    [
      ["10.1.", ""],
      ["10.2.", ""],
      ["10.3.", ""],
    ],
  ],
  "two ranges, of which the original expands one": [
    "1-2.3-4.:allow",
    [
      ["1.3.", ""],
      ["1.4.", ""],
      ["2.3.", ""],
      ["2.4.", ""],
    ],
  ],
  "a range with nothing in it": ["5-3.:allow", []],
  "variables behind a denial": ['9.9.9.9:deny,A="b"', [["9.9.9.9", "D\0+A=b\0"]]],
  "any character around a value, colons in it": [
    '=.dom.ain:allow,X="a:b",Y=/q/',
    [["=.dom.ain", "+X=a:b\0+Y=q\0"]],
  ],
  "allow in a value": ['1.2.3.4:allow,X="a:deny"', [["1.2.3.4", "+X=a:deny\0"]]],
  "a host with a dash": ["=a-b:allow", [["=a-b", ""]]],
  "somebody at an address": ["joe@1.2.3.4:allow", [["joe@1.2.3.4", ""]]],
  "the default": [":allow", [["", ""]]],
  "IPv4 CIDR": ["10.0.0.0/8:deny", [["_00001010", "D\0"]]],
  "IPv6 CIDR": ["fe80::/10:deny", [["^1111111010", "D\0"]]],
  "an IPv6 address": ["2001:db8::1:allow", [["2001:0db8:0000:0000:0000:0000:0000:0001", ""]]],
  "what is no rule": ["# comment\n\nno colon\n:allow", [["", ""]]],
};
for (const [name, [text, records]] of Object.entries(compiled)) {
  test(`${name} is compiled`, () => assert.deepEqual([...compileRules(text)], records));
}

for (const line of [
  ...[
    "1.2.3.4:",
    "1.2.3.4:perhaps",
    "1.2.3.4:allow,X=",
    '1.2.3.4:allow,X="a',
    "1.2.3.4:allowX",
    "1.2.3.4:allow,",
  ],
  ...["1.2.3.4:allow,X", "a-b:allow", '1.2.3.4:allow,A="1"B="2"', "1.2.3.4: allow", "1-999.:allow"],
]) {
  test(`${line} is refused`, () => {
    assert.throws(() => [...compileRules(line)], new BadRule(`fatal: unable to parse this line: ${line}`));
  });
}
for (const line of ["fe80::/200:deny", "fe80::1::2:deny", "1.2.3/8:deny"]) {
  test(`${line} is refused`, () =>
    assert.throws(() => [...compileRules(line)], /syntax: invalid address on line/));
}

const rules = `
joe@192.0.2.7:allow,WHO="joe"
192.0.2.7:allow,ONLY=""
192.0.2.:deny
=mx.example.org:allow,NAME="mx"
=.example.org:allow,NAME="other"
=:allow,NAME="some"
2001:db8::/32:deny
2001:db8::1:allow
10.0.0.0/8:deny
:allow,DEFAULT="1"`;
const records = new Cdb(cdbBytes(compileRules(rules)));
for (const [name, client, rule, deny] of [
  [
    "user and address come first",
    { ip: "192.0.2.7", info: "joe", host: "mx.example.org" },
    "joe@192.0.2.7",
    false,
  ],
  ["then the address", { ip: "192.0.2.7", info: "ann" }, "192.0.2.7", false],
  ["then its network", { ip: "192.0.2.8" }, "192.0.2.", true],
  ["the name goes before the network", { ip: "192.0.2.8", host: "mx.example.org" }, "=mx.example.org", false],
  ["a domain", { ip: "198.51.100.1", host: "a.b.example.org" }, "=.example.org", false],
  ["any name", { ip: "198.51.100.1", host: "a.example" }, "=", false],
  ["an IPv6 address", { ip: "2001:db8::1" }, "2001:0db8:0000:0000:0000:0000:0000:0001", false],
  ["an IPv6 network", { ip: "2001:db8::2" }, `^${addressBits("2001:db8::")!.slice(0, 32)}`, true],
  ["an IPv4 network by its length", { ip: "10.200.1.1" }, "_00001010", true],
  ["the default", { ip: "198.51.100.1" }, "", false],
] satisfies [string, Client, string, boolean][]) {
  test(`lookup: ${name}`, () => {
    const verdict = verdictOn(client, (key) => records.get(key));
    assert.equal(verdict.rule, rule);
    assert.equal(verdict.deny, deny);
  });
}

test("a rule's variables are its own: nothing is gathered from others", () => {
  const { env } = verdictOn({ ip: "192.0.2.7" }, (key) => records.get(key));
  assert.deepEqual([...env], [["ONLY", ""]]);
});

test("without a rule a client is allowed", () => {
  assert.deepEqual(
    verdictOn({ ip: "192.0.2.7" }, () => undefined),
    { rule: undefined, deny: false, env: new Map() },
  );
});

test("an IPv6 address has one expanded form, however it is written", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const expanded = expandedAddress(address);
      assert.ok(expanded !== undefined && isIPv6(expanded), address);
      assert.equal(expandedAddress(expanded), expanded);
      assert.equal(addressBits(address), addressBits(expanded));
    }),
  );
});
