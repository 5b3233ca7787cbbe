import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnedAway } from "./turned-away.ts";

test("a network is turned away until its time is over, or somebody says otherwise", () => {
  const away = new TurnedAway();
  assert.equal(away.has("192.0.2.1", 0), false);
  away.tell("192.0.2.1", 60, 0);
  away.tell("2001:db8:0:0::/64", 60, 0);
  assert.equal(away.has("192.0.2.1", 59_999), true);
  assert.equal(away.has("192.0.2.2", 0), false);
  assert.equal(away.has("2001:db8::9", 0), true);
  away.tell("2001:db8:0:0::/64", 0, 0);
  assert.equal(away.has("2001:db8::9", 0), false);
  assert.equal(away.has("192.0.2.1", 60_000), false);
  assert.equal(away.has("192.0.2.1", 0), false);
});
