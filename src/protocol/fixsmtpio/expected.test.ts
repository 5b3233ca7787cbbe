import assert from "node:assert/strict";
import { test } from "node:test";
import { type Expected, Queue } from "./expected.ts";

const expected = (event: string): Expected => ({ event, answer: "server", secret: false });

test("first in, first out, however many wait", () => {
  const queue = new Queue();
  const seen: string[] = [];
  for (let at = 0; at < 5000; at++) {
    queue.push(expected(String(at)));
    if (at % 3 !== 0) seen.push(queue.shift()!.event);
  }
  while (queue.length > 0) seen.push(queue.shift()!.event);
  assert.deepEqual(
    seen,
    Array.from({ length: 5000 }, (_, at) => String(at)),
  );
  assert.equal(queue.shift(), undefined);
});

test("a client that always has one more request under way is not remembered", () => {
  const queue = new Queue();
  const same = expected("noop");
  queue.push(same);
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 5_000_000; at++) {
    queue.push(same);
    queue.shift();
  }
  assert.ok(process.memoryUsage().heapUsed - before < 20e6, "40 MB of places alone");
});
