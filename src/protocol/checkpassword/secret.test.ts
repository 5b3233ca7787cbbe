import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "./secret.ts";

test("a secret shows itself to nobody who only looks", () => {
  const secret = new Secret(Buffer.from("hunter2"));
  for (const shown of [
    `${secret}`,
    inspect(secret),
    inspect({ deep: [secret] }, { showHidden: true, depth: 9 }),
    JSON.stringify({ secret }),
    String(new Error("wrong password", { cause: secret })),
    inspect(new Error("wrong password", { cause: secret })),
  ]) {
    assert.doesNotMatch(shown, /hunter2|104, 117|68 75 6e/);
  }
});

test("a secret is gone after its block", () => {
  const bytes = Buffer.from("hunter2");
  {
    using secret = new Secret(bytes);
    assert.equal(secret.length, 7);
    assert.equal(secret.reveal(), bytes);
  }
  assert.deepEqual(bytes, Buffer.alloc(7));
});

test("a copy outlives the line it came in", () => {
  const line = Buffer.from("PASS hunter2");
  const secret = Secret.copyOf(line.subarray(5));
  line.fill(0);
  assert.equal(Buffer.from(secret.reveal()).toString(), "hunter2");
});
