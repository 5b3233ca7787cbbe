import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { listOf } from "../../control/control.ts";
import { controlFiles, hostNameFrom, isHostName, recipients } from "./control-files.ts";

test("a machine's name becomes a host name with a dot", () => {
  for (const [name, host] of [
    ["mail.example.org", "mail.example.org"],
    ["vm", "vm.localdomain"],
    ["Anna's Laptop", "anna-s-laptop.localdomain"],
    ["-odd-.", "odd.localdomain"],
    ["", "localhost.localdomain"],
    ["a..b", "localhost.localdomain"],
    ["ü", "localhost.localdomain"],
  ] as const) {
    assert.equal(hostNameFrom(name), host, name);
  }
});

test("whatever the machine is called, the service has a host name", () => {
  fc.assert(fc.property(fc.string(), (name) => isHostName(hostNameFrom(name))));
});

test("domains are derived as config-fast derives them", () => {
  for (const [host, defaultDomain, plusDomain] of [
    ["mail.example.org", "example.org", "example.org"],
    ["a.b.example.org", "b.example.org", "example.org"],
    ["example.org", "example.org", "example.org"],
  ] as const) {
    const files = controlFiles({ host });
    assert.equal(files.get("me"), `${host}\n`);
    assert.equal(files.get("defaultdomain"), `${defaultDomain}\n`);
    assert.equal(files.get("plusdomain"), `${plusDomain}\n`);
  }
});

test("the published rules are all there", () => {
  const rules = listOf(controlFiles({ host: "mail.example.org" }).get("fixsmtpio") ?? "");
  assert.equal(rules.length, 15);
  assert.ok(rules.every((rule) => rule.split(":").length >= 6));
});

test("the first user is postmaster", () => {
  assert.equal(recipients(["alice", "bob"]), "alice\nbob\npostmaster:alice\n");
  assert.equal(recipients([]), "");
});
