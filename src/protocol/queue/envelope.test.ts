import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { envelopeBytes, maximumAddressOctets, parseEnvelope } from "./envelope.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const long = "a".repeat(maximumAddressOctets);

for (const [bytes, result] of [
  ["Fbob@x\0Talice@y\0\0", { sender: "bob@x", recipients: ["alice@y"] }],
  ["F\0Ta\0Tb\0\0", { sender: "", recipients: ["a", "b"] }],
  ["Fbob\0\0", { sender: "bob", recipients: [] }],
  ["Fbob\0Ta\0\0Tb\0", { sender: "bob", recipients: ["a"] }],
  [`F${long}\0Ta\0\0`, { sender: long, recipients: ["a"] }],
  ["", 54],
  ["Fbob", 54],
  ["Fbob\0", 54],
  ["Fbob\0Ta\0", 54], // the caller gave up
  ["Tbob\0\0", 91],
  ["\0", 91],
  ["Fbob\0Fa\0\0", 91],
  [`F${long}a\0Ta\0\0`, 11],
  [`Fbob\0T${long}a\0\0`, 11],
  [`Fbob\0T${long}a`, 11],
] as const) {
  test(`the envelope ${JSON.stringify(bytes.length > 60 ? bytes.length : bytes)}`, () => {
    const parsed = parseEnvelope(latin1(bytes));
    if (typeof result === "number") assert.equal("exit" in parsed && parsed.exit, result);
    else assert.deepEqual(parsed, result);
  });
}

test("an envelope that was written is read again as it was", () => {
  const octet = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
  const address = fc.string({ unit: octet, maxLength: 40 });
  fc.assert(
    fc.property(fc.record({ sender: address, recipients: fc.array(address) }), (envelope) => {
      assert.deepEqual(parseEnvelope(envelopeBytes(envelope)), { ...envelope });
    }),
  );
});

test("an address with a NUL cannot become two", () => {
  assert.throws(() => envelopeBytes({ sender: "a\0Troot", recipients: [] }), RangeError);
});
