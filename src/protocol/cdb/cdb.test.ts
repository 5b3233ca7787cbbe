import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BrokenCdb, Cdb, cdbBytes } from "./cdb.ts";

const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

test("what was written is found, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text)), text, (records, other) => {
      const cdb = new Cdb(cdbBytes(records));
      for (const key of [...records.map(([key]) => key), other]) {
        const data = records.filter(([there]) => there === key).map(([, data]) => data);
        assert.deepEqual([...cdb.all(key)], data);
        assert.equal(cdb.get(key), data[0]);
      }
    }),
  );
});

test("a file as cdbmake writes it", () => {
  const bytes = cdbBytes([["one", "Hello"]]);
  assert.equal(Buffer.from(bytes).toString("latin1", 2048, 2048 + 16), "\x03\0\0\0\x05\0\0\0oneHello");
  assert.equal(bytes.length, 2048 + 16 + 16);
});

test("a file that was cut short is an error, not an answer from beyond its end", () => {
  const bytes = cdbBytes([["one", "Hello"]]);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => new Cdb(bytes.subarray(0, length)).get("one"), BrokenCdb, `${length}`);
  }
});

test("no bytes make a lookup run on", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2048, maxLength: 2200 }), text, (bytes, key) => {
      try {
        new Cdb(bytes).get(key);
      } catch (error) {
        assert.ok(error instanceof BrokenCdb);
      }
    }),
  );
});
