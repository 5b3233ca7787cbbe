import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultHostRules, parseHostRules, rewriteAddress, rewriteHost } from "./rewrite-host.ts";

const usual = defaultHostRules("mail.example.org", "plus.example.org", "example.org");

for (const [address, result] of [
  ["bob@example.com", "bob@example.com"],
  ["bob@example.com.", "bob@example.com"],
  ["bob", "bob@mail.example.org"],
  ["bob@", "bob@mail.example.org"],
  ["bob@host", "bob@host.example.org"],
  ["bob@host+", "bob@host.plus.example.org"],
  ["bob@[192.0.2.1]", "bob@[192.0.2.1]"],
  ["a@b@c.d", "a@b@c.d"],
  ["", ""],
] as const) {
  test(`${address} becomes ${result}`, () => assert.equal(rewriteAddress(address, usual), result));
}

for (const [lines, host, result] of [
  [["=old.example:new.example"], "OLD.example", "new.example"],
  [["=old.example:new.example"], "x.old.example", "x.old.example"],
  [["*.old.example:.new.example"], "x.old.example", "x.new.example"],
  [["?.in:.example"], "a.in", "a.example"],
  [["?.in:.example"], "a.b.in", "a.b.in"],
  [["-.fake:real.example"], "any.thing.fake", "real.example"],
  [["=a:b", "=a:c", "=b:d"], "a", "d"], // each once, in order
  [["comment", "", "*x"], "x", "x"],
] as const) {
  test(`${host} by ${lines.join(" ")}`, () => assert.equal(rewriteHost(host, parseHostRules(lines)), result));
}
