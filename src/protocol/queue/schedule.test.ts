import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isTooOld, nextTry } from "./schedule.ts";

for (const [way, seconds] of [
  ["local", [0, 100, 400, 900, 1600]],
  ["remote", [0, 400, 1600, 3600, 6400]],
] as const) {
  test(`${way} mail is tried at the ages ${seconds.join(", ")}`, () => {
    const ages = [0];
    for (let now = 0; ages.length < seconds.length; ages.push(now / 1000)) now = nextTry(0, now, way);
    assert.deepEqual(ages, seconds);
  });
}

test("the next try is later than now, also when the clock went back", () => {
  const moment = fc.integer({ min: 0, max: 2e12 });
  fc.assert(
    fc.property(moment, moment, fc.constantFrom("local", "remote"), (arrived, now, way) => {
      assert.ok(nextTry(arrived, now, way) > Math.min(now, arrived));
      if (now >= arrived) assert.ok(nextTry(arrived, now, way) > now);
    }),
  );
});

test("a message gets a whole lifetime", () => {
  assert.equal(isTooOld(0, 10_000, 10), false);
  assert.equal(isTooOld(0, 10_001, 10), true);
});
