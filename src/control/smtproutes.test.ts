import assert from "node:assert/strict";
import { test } from "node:test";
import { routeFor } from "./smtproutes.ts";

const lines = [
  "example.org:mail.example.org",
  ".example.org:relay:2525",
  "direct.example.org:",
  ":smart:465|u|p",
];

for (const [domain, route] of [
  ["Example.ORG", { relay: "mail.example.org", port: 25 }],
  ["a.b.example.org", { relay: "relay", port: 2525 }],
  ["direct.example.org", undefined], // by MX, whatever comes after
  ["example.net", { relay: "smart", port: 465 }],
] as const) {
  test(`mail for ${domain}`, () => assert.deepEqual(routeFor(lines, domain), route));
}

test("without routes everything goes by MX", () => assert.equal(routeFor([], "example.org"), undefined));
