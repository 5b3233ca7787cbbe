import assert from "node:assert/strict";
import { test } from "node:test";
import { PastTimes } from "./past-times.ts";

test("what is drawn is what was seen lately", () => {
  const times = new PastTimes();
  assert.equal(times.draw(0.5), 0);
  for (const ms of [10, 20, 30, 40]) times.add(ms);
  assert.deepEqual(
    [0, 0.25, 0.5, 0.99].map((random) => times.draw(random)),
    [10, 20, 30, 40],
  );
  for (let more = 0; more < 64; more++) times.add(5);
  assert.equal(times.draw(0.99), 5);
});
