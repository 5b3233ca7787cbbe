import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineEnds } from "./line-ends.ts";

function clean(...chunks: string[]): boolean {
  const lineEnds = new LineEnds();
  return chunks.every(
    (chunk) => lineEnds.firstBad(Buffer.from(chunk, "latin1"), 0, chunk.length) === undefined,
  );
}

for (const [text, isClean] of [
  ["", true],
  ["a\r\n\r\nb\r\n", true],
  ["a\n", false],
  ["\n", false],
  ["a\rb", false],
  ["a\r\r\n", false],
  ["a\r\n\nb", false],
  ["a\r", true], // not known yet
] as const) {
  test(`${JSON.stringify(text)} is ${isClean ? "clean" : "not clean"}`, () =>
    assert.equal(clean(text), isClean));
}

for (const [text, place] of [
  ["a\n", 1],
  ["\r\n\n", 2],
  ["a\rb", 2],
] as const) {
  test(`${JSON.stringify(text)} shows it at ${place}`, () => {
    assert.equal(new LineEnds().firstBad(Buffer.from(text), 0, text.length), place);
  });
}

test("no cut matters, and CR LF alone is clean", () => {
  const text = fc.string({ unit: fc.constantFrom("\r", "\n", "\r\n", "x"), maxLength: 12 });
  fc.assert(
    fc.property(text, fc.nat(24), (all, at) => {
      assert.equal(clean(all), !/\r(?!\n|$)|(?<!\r)\n/.test(all));
      assert.equal(clean(all.slice(0, at), all.slice(at)), clean(all));
      assert.equal(clean(...all), clean(all));
    }),
  );
});
