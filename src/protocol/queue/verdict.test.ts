import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { maximumCustomOctets, refusalOf } from "./verdict.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

for (const [exit, reply] of [
  [11, "554 envelope address too long for qq (#5.1.3)"],
  [12, "554 qq permanent problem (#5.3.0)"],
  [31, "554 mail server permanently rejected message (#5.3.0)"],
  [40, "554 qq permanent problem (#5.3.0)"],
  [41, "451 qq temporary problem (#4.3.0)"],
  [54, "451 qq read error (#4.3.0)"],
  [64, "451 qq trouble creating files in queue (#4.3.0)"],
  [82, "451 qq temporary problem (#4.3.0)"],
  [91, "451 qq internal bug (#4.3.0)"],
  [111, "451 qq temporary problem (#4.3.0)"],
  [115, "554 envelope address too long for qq (#5.1.3)"],
  [120, "451 unable to exec qq (#4.3.0)"],
] as const) {
  test(`qmail-queue exits ${exit}`, () => {
    const refusal = refusalOf(exit);
    assert.equal(`${refusal?.code} ${refusal?.text}`, reply);
  });
}

test("exit 0 is no refusal", () => assert.equal(refusalOf(0, latin1("Dno")), undefined));

for (const [words, reply] of [
  [
    "Dwe don't accept email with such content (#5.3.4)",
    "554 we don't accept email with such content (#5.3.4)",
  ],
  ["Zcome back later (#4.3.0)\n", "451 come back later (#4.3.0)"],
  ["Dno\r\n250 ok", "554 no 250 ok"], // or the client would read two replies
  ["D", "451 qq temporary problem (#4.3.0)"],
  ["", "451 qq temporary problem (#4.3.0)"],
] as const) {
  test(`words of its own: ${JSON.stringify(words)}`, () => {
    const refusal = refusalOf(82, latin1(words));
    assert.equal(`${refusal?.code} ${refusal?.text}`, reply);
  });
}

test("no words make more than one line, or a long one", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 255 }), (words, exit) => {
      const refusal = refusalOf(exit, words);
      assert.ok(refusal !== undefined && /^[^\x00-\x1f\x7f]*$/.test(refusal.text));
      assert.ok(refusal.text.length <= maximumCustomOctets);
    }),
  );
});
