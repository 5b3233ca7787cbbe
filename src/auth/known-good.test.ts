import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { KnownGood } from "./known-good.ts";

const secret = (text: string) => new Secret(Buffer.from(text));
const hash = Buffer.from("what is stored");

test("what was right is known for a while, and nothing else is", () => {
  const known = new KnownGood({ lastsSeconds: 60 });
  assert.equal(known.has(hash, secret("right"), 0), false);
  known.add(hash, secret("right"), 0);
  assert.equal(known.has(hash, secret("right"), 59_999), true);
  assert.equal(known.has(hash, secret("wrong"), 0), false);
  assert.equal(known.has(hash, secret("righ"), 0), false);
  assert.equal(known.has(hash, secret("right"), 60_000), false);
  assert.equal(known.has(hash, secret("right"), 0), false);
});

test("a changed password makes it unknown, also when the new one is the same", () => {
  const known = new KnownGood();
  known.add(hash, secret("right"), 0);
  assert.equal(known.has(Buffer.from("what is stored now"), secret("right"), 0), false);
});

test("the border between stored hash and password cannot be moved", () => {
  const known = new KnownGood();
  known.add(Buffer.from("aaaa"), secret("bc"), 0);
  assert.equal(known.has(Buffer.from("aaaab"), secret("c"), 0), false);
});

test("it holds no more than it may, and lets the oldest go", () => {
  const known = new KnownGood({ capacity: 3 });
  for (const text of ["a", "b", "c", "d"]) known.add(hash, secret(text), 0);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((text) => known.has(hash, secret(text), 0)),
    [false, true, true, true],
  );
});

test("nothing of a password is in it", () => {
  const known = new KnownGood();
  known.add(hash, secret("hunter2"), 0);
  assert.doesNotMatch(inspect(known, { showHidden: true, depth: 9 }), /hunter2/);
});
