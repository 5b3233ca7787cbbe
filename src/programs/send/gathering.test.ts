import assert from "node:assert/strict";
import { test } from "node:test";
import { Gathering } from "./gathering.ts";

/** A clock turned by hand: so many clients, each sends its next message `thinkMs` after the last was committed. */
function commitsOf(clients: number, thinkMs: number, messages: number) {
  const gathering = new Gathering();
  const groups: number[] = [];
  let longestWaitMs = 0;
  let waited = 0;
  let look: number | undefined;
  let waiting: number[] = [];
  const coming = Array.from({ length: clients }, (_, at) => (at * thinkMs) / clients);
  const commit = (now: number) => {
    gathering.committed();
    groups.push(waiting.length);
    if (groups.length > 100) longestWaitMs = Math.max(longestWaitMs, now - waiting[0]!);
    if (waiting[0]! < now) waited += 1;
    for (const _ of waiting) coming.push(now + thinkMs);
    waiting = [];
    look = undefined;
  };
  for (let sent = 0; sent < messages; ) {
    coming.sort((a, b) => a - b);
    const next = coming[0] ?? Number.POSITIVE_INFINITY;
    const now = Math.min(next, look ?? Number.POSITIVE_INFINITY);
    let complete = false;
    const told = (wait: number | undefined) => {
      if (wait === 0) complete = true;
      else if (wait !== undefined) look = now + wait;
    };
    if (next > now) told(gathering.look(now));
    // What comes in one turn of the loop is seen before anything is committed.
    for (; coming[0] !== undefined && coming[0] <= now; sent++) {
      waiting.push(coming.shift()!);
      told(gathering.arrived(now));
    }
    if (complete) commit(now);
  }
  return { groups, longestWaitMs, waited };
}

test("a message that comes alone is committed at once, but for one in many", () => {
  const { groups } = commitsOf(1, 1, 3000);
  assert.ok(groups.every((count) => count === 1));
  const gathering = new Gathering();
  let waits = 0;
  for (let at = 0; at < 3000; at++) {
    if (gathering.arrived(at) !== 0) waits += 1;
    gathering.committed();
  }
  assert.ok(waits < 20, `${waits} of 3000 waited`);
});

test("two or three clients are not worth waiting for", () => {
  for (const clients of [2, 3]) {
    const { waited } = commitsOf(clients, 2, 3000);
    assert.ok(waited < 30, `${waited} waited`);
  }
});

test("of many clients, ten messages and more share one commit, and none waits longer than 20 ms", () => {
  for (const clients of [16, 50, 500]) {
    const { groups, longestWaitMs } = commitsOf(clients, clients / 2, 20_000);
    assert.ok(20_000 / groups.length > 10, `${clients} clients: ${20_000 / groups.length} for each commit`);
    assert.ok(longestWaitMs <= 20, `${longestWaitMs} ms`);
  }
});

test("clients that are all there are not kept waiting for others", () => {
  const { groups, longestWaitMs } = commitsOf(8, 4, 8000);
  assert.ok(8000 / groups.length > 5);
  assert.ok(longestWaitMs < 12, `${longestWaitMs} ms`);
});

test("when the crowd has gone, so has the waiting", () => {
  const gathering = new Gathering();
  let now = 0;
  for (let at = 0; at < 2000; at++, now += 0.2) if (gathering.arrived(now) === 0) gathering.committed();
  gathering.committed();
  let waits = 0;
  for (let at = 0; at < 1000; at++, now += 50) {
    const wait = gathering.arrived(now);
    if (wait !== 0) {
      waits += 1;
      assert.equal(gathering.look(now + wait!), 0);
    }
    gathering.committed();
  }
  assert.ok(waits < 20, `${waits} of 1000 waited`);
});
