import assert from "node:assert/strict";
import { test } from "node:test";
import { invokedLine, invokerOf } from "./invoked.ts";

const apart = { qmaild: 1, alias: 2, qmails: 3 };
const together = { qmaild: 1000, alias: 1000, qmails: 1000 };

for (const [uid, authenticated, service, words] of [
  [1, false, apart, "from network"],
  [2, false, apart, "by alias"],
  [3, false, apart, "for bounce"],
  [1000, true, apart, "by uid 1000"],
  [0, false, {}, "by uid 0"],
  [1000, false, together, "from network"],
  [1000, true, together, "by uid 1000"],
] as const) {
  test(`uid ${uid}, ${authenticated ? "authenticated" : "unknown"}: ${words}`, () => {
    const line = invokedLine("123", invokerOf(uid, authenticated, service), 0);
    assert.equal(line, `Received: (qmail 123 invoked ${words}); 1 Jan 1970 00:00:00 -0000\n`);
  });
}
