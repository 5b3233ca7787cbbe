import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineReader } from "./line-reader.ts";

const longest = 5;

/** All lines of `text`, when it arrives in pieces that end at each of `at`. */
function lines(text: string, at: readonly number[]): string[] {
  const reader = new LineReader();
  const read: string[] = [];
  const cuts = [0, ...at.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    reader.push(Buffer.from(text.slice(from, cuts[index + 1]), "latin1"));
    for (;;) {
      const line = reader.next(() => longest);
      if (line === undefined) break;
      read.push(line === "overlong" ? line : Buffer.from(line).toString("latin1"));
    }
  }
  read.push(reader.unread ? "more" : "");
  return read;
}

for (const [text, result] of [
  ["NOOP\r\nQUIT\r\n", ["NOOP", "QUIT", ""]],
  ["NOOP\nQUIT\n", ["NOOP", "QUIT", ""]],
  ["12345\r\n", ["12345", ""]],
  ["123456\r\n12\r\n", ["overlong", "12", ""]],
  ["1234567890123456789\r\n12", ["overlong", "more"]],
  ["\r\n\n", ["", "", ""]],
  ["a\rb\r\r\n", ["a\rb\r", ""]],
  ["1234\r", ["more"]],
  ["", [""]],
] as const) {
  test(`${JSON.stringify(text)} is read as ${JSON.stringify(result)}`, () => {
    assert.deepEqual(lines(text, []), result);
  });
}

test("no cut matters", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\r", "\n", "\0", "bcd"), maxLength: 30 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(40)), (bytes, at) =>
      assert.deepEqual(lines(bytes, at), lines(bytes, [])),
    ),
  );
});

test("the limit may depend on how the line begins, and what is left over is wiped", () => {
  const reader = new LineReader();
  const limit = (head: Uint8Array) => (head[0] === 0x41 ? 10 : 3);
  reader.push(Buffer.from("A234567890\nB234\nB23\n"));
  assert.equal(reader.next(limit)?.length, 10);
  assert.equal(reader.next(limit), "overlong");
  assert.equal(reader.next(limit)?.length, 3);
  const secret = Buffer.from("Bsecret");
  reader.push(secret);
  assert.equal(reader.next(limit), undefined);
  assert.deepEqual(secret, Buffer.alloc(7));
});
