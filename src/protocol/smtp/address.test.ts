import assert from "node:assert/strict";
import { test } from "node:test";
import { declaredOctets, domainOf, maximumAddressOctets, parseAddress } from "./address.ts";

const long = "a".repeat(maximumAddressOctets);

for (const [argument, address] of [
  ["FROM:<bob@example.com>", "bob@example.com"],
  ["FROM:<bob@example.com> SIZE=1 BODY=8BITMIME", "bob@example.com"],
  ["FROM:<>", ""],
  ["", ""],
  ["FROM", ""],
  ["FROM:bob@example.com", "bob@example.com"],
  ["TO:  alice@example.net BAR", "alice@example.net"],
  ["<bob", "bob"], // the end is not asked for
  ["FROM:<@a,@b:bob@c>", "bob@c"],
  ["FROM:<@a>", ""],
  ['FROM:<"bob x"@example.com>', "bob x@example.com"],
  ['FROM:<"al\\"ice"@example.org>', 'al"ice@example.org'],
  ['FROM:<"a>b"@c>', "a>b@c"],
  ["FROM:<a\\>b@c>", "a>b@c"],
  ["FROM:<a\\", "a"],
  ['FROM:"x y"@z w', "x y@z"],
  [`<${long}>`, long],
  [`<${long}a>`, undefined],
  ["<a\0Troot@x>", undefined], // would be two addresses to the queue
] as const) {
  test(`the address in ${JSON.stringify(argument.slice(0, 50))}`, () => {
    assert.equal(parseAddress(argument), address);
  });
}

for (const [argument, octets] of [
  ["FROM:<a@b> SIZE=1000", 1000],
  ["FROM:<a@b> BODY=8BITMIME size=7", 7],
  ["FROM:<a@b>", undefined],
  ["FROM:<a@b> SIZE=", undefined],
  ["FROM:<a@b> XSIZE=1", undefined],
  ["FROM:<SIZE=5@b>", undefined],
] as const) {
  test(`the size in ${argument}`, () => assert.equal(declaredOctets(argument), octets));
}

for (const [address, domain] of [
  ["a@b@c", "c"],
  ["a@", ""],
  ["a", undefined],
] as const) {
  test(`the domain of ${address}`, () => assert.equal(domainOf(address), domain));
}
