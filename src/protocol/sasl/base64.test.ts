import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64 } from "./base64.ts";

test("what was encoded decodes to itself", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      const text = Buffer.from(Buffer.from(octets).toString("base64"));
      assert.deepEqual(decodeBase64(text), octets);
    }),
  );
});

test("what decodes is the only text for its octets", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12, unit: fc.constantFrom(..."AQgw9/+=-_ a\0") }), (text) => {
      const octets = decodeBase64(Buffer.from(text));
      if (octets !== undefined) assert.equal(Buffer.from(octets).toString("base64"), text);
    }),
  );
});

for (const bad of [
  "A", // no octet at all
  "AA", // RFC 4648 §3.2: padding is not optional
  "AAA",
  "AAAAA",
  "!!!!",
  "AGFs!WNl",
  "AP__-w--", // the alphabet of URLs
  "AA==AA==", // two texts in one
  "AGFs=WNl",
  "=", // these made the original read in front of its buffer
  "==",
  "===",
  "====",
  "A====",
  "A===",
  "AB==", // bits left over
  "AAB=",
  "AAAA ",
  "AAA\0",
  "AAA\xe9",
  "*",
]) {
  test(`${JSON.stringify(bad)} is no base64`, () => {
    assert.equal(decodeBase64(Buffer.from(bad, "latin1")), undefined);
  });
}
