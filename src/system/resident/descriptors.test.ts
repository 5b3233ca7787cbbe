import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptors } from "./descriptors.ts";

test("the last session there is room for is told so, and all who wait hear when there is room again", () => {
  const two = new Descriptors(40 + 32 + 2 * 8, 40);
  const called: string[] = [];
  assert.equal(
    two.take(() => called.push("never")),
    true,
  );
  assert.equal(
    two.take(() => called.push("smtp")),
    false,
  );
  assert.equal(
    two.take(() => called.push("pop3")),
    false,
    "one that was under way already",
  );
  two.give();
  assert.deepEqual(called, [], "there are still two");
  two.give();
  assert.deepEqual(called, ["smtp", "pop3"]);
  two.give();
  assert.deepEqual(called, ["smtp", "pop3"], "each is called once");
});

test("there is always room for one", () => {
  assert.equal(new Descriptors(20, 30).most, 1);
});
