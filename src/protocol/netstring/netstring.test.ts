import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NetstringReader, netstring } from "./netstring.ts";

/** All that a reader finds when the bytes come in these pieces; it stops where they are no netstrings. */
function read(pieces: readonly Uint8Array[], longest = 100): (string | undefined)[] {
  const reader = new NetstringReader(longest);
  const found: (string | undefined)[] = [];
  for (const piece of pieces) {
    reader.push(Uint8Array.from(piece));
    for (let octets = reader.next(); octets !== undefined; octets = reader.next()) {
      if (octets === "broken") return [...found, undefined];
      found.push(Buffer.from(octets).toString("latin1"));
    }
  }
  return found;
}

test("what was written is read again, however it is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 4 }), fc.nat(60), (all, cut) => {
      const bytes = Buffer.concat(all.map(netstring));
      const at = Math.min(cut, bytes.length);
      const found = read([bytes.subarray(0, at), bytes.subarray(at)]);
      assert.deepEqual(
        found,
        all.map((octets) => Buffer.from(octets).toString("latin1")),
      );
    }),
  );
});

for (const [text, found] of [
  ["0:,", [""]],
  ["3:abc,1:d,", ["abc", "d"]],
  ["3:ab", []],
  ["3:abc", []],
  ["3:abcd,", [undefined]],
  [":,", [undefined]],
  ["00:,", [undefined]],
  ["03:abc,", [undefined]],
  ["-1:,", [undefined]],
  ["x", [undefined]],
  ["101:", [undefined]], // more than is allowed, said before it comes
  ["99999999999999999999:", [undefined]],
] as const) {
  test(`${JSON.stringify(text)} as netstrings`, () => assert.deepEqual(read([Buffer.from(text)]), found));
}
