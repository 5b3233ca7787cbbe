import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settingsIn, trustMs } from "./settings.ts";

function reader() {
  let reads = 0;
  return () => Promise.resolve(++reads);
}

test("what was read a moment ago is not read again, and what is older is", async (t) => {
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  const read = reader();
  assert.equal(await settingsIn("/a", "x", read), 1);
  now += trustMs - 1;
  assert.equal(await settingsIn("/a", "x", read), 1);
  now += 1;
  assert.equal(await settingsIn("/a", "x", read), 2);
});

test("another folder and another name have settings of their own", async () => {
  const read = reader();
  assert.equal(await settingsIn("/b", "x", read), 1);
  assert.equal(await settingsIn("/b", "y", read), 2);
  assert.equal(await settingsIn("/c", "x", read), 3);
});

test("what could not be read is tried again", async () => {
  const fails = mock.fn(() => Promise.reject(new Error("no")));
  await assert.rejects(async () => settingsIn("/d", "x", fails));
  await assert.rejects(async () => settingsIn("/d", "x", fails));
  assert.equal(fails.mock.callCount(), 2);
});
