import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { handoverBytes, parseHandover } from "./handover.ts";

test("what was said is understood", () => {
  const pid = fc.nat().map(String);
  fc.assert(
    fc.property(pid, fc.boolean(), fc.uint8Array({ maxLength: 50 }), (pid, authenticated, envelope) => {
      const heard = parseHandover(Buffer.concat(handoverBytes({ pid, authenticated, envelope })));
      assert.deepEqual(heard, { pid, authenticated, envelope: Buffer.from(envelope) });
    }),
  );
});

for (const payload of ["", "1", "1\0", "x\0a\0F\0\0", "1\0b\0F\0\0", "\0a\0F\0\0"]) {
  test(`${JSON.stringify(payload)} is nothing`, () => {
    assert.equal(parseHandover(Buffer.from(payload)), undefined);
  });
}

test("a pid that is none is not sent", () => {
  assert.throws(
    () => handoverBytes({ pid: "1)\nX: y", authenticated: false, envelope: Buffer.of() }),
    RangeError,
  );
});
