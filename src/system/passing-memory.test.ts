import assert from "node:assert/strict";
import { test } from "node:test";
import { giveBack, passesThrough } from "./passing-memory.ts";

const octets = 64 * 1024;

test("what passed through is gone once it was handed on", () => {
  const chunk = Buffer.allocUnsafeSlow(octets);
  const content = chunk.subarray(0, octets - 1000);
  passesThrough(chunk);
  assert.equal(content.length, octets - 1000);
  giveBack(content);
  assert.deepEqual([chunk.length, content.length], [0, 0]);
  giveBack(content);
});

for (const [why, chunk, passes] of [
  ["nobody said that it passes", Buffer.allocUnsafeSlow(octets), false],
  ["others have a part of it", Buffer.allocUnsafeSlow(octets).subarray(1), true],
  ["it is small", Buffer.allocUnsafeSlow(1000), true],
] as const) {
  test(`what was handed on stays: ${why}`, () => {
    const { length } = chunk;
    if (passes) passesThrough(chunk);
    giveBack(chunk);
    assert.equal(chunk.length, length);
  });
}
