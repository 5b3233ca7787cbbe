import assert from "node:assert/strict";
import { test } from "node:test";
import { Places } from "./listener.ts";

test("one user cannot have all connections, and has them back when they end", () => {
  const places = new Places([0]);
  let had = 0;
  while (places.take(1000)) had += 1;
  assert.equal(had, 1000);
  assert.ok(places.take(1001), "another user");
  for (let at = 0; at < 5000; at++) assert.ok(places.take(0), "the service itself");
  places.leave(1000);
  assert.ok(places.take(1000));
  assert.ok(!places.take(1000));
});
