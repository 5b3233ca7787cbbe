import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChunkedMessage } from "./chunked-message.ts";
import { Outgoing } from "./unread.ts";

const octets = fc.array(fc.constantFrom(0x0a, 0x0d, 0x2e, 0x61, 0xff, 0x00), { maxLength: 30 });

/** What goes on when `content` comes in pieces that are cut at `places`. */
function converted(content: Buffer, places: readonly number[], strict = false) {
  const message = new ChunkedMessage(strict);
  const to = new Outgoing();
  const cuts = [...new Set([0, ...places.map((place) => place % (content.length + 1)), content.length])].sort(
    (a, b) => a - b,
  );
  const fine = cuts.slice(1).every((end, at) => message.pass(content, cuts[at]!, end, to)) && message.end(to);
  return { fine, bytes: Buffer.from(to.take() ?? []) };
}

test("whatever is in the chunks, no server finds an end before the end", () => {
  fc.assert(
    fc.property(octets, fc.array(fc.nat(29)), (content, places) => {
      const { bytes } = converted(Buffer.from(content), places);
      const text = bytes.toString("latin1");
      assert.equal(text.search(/(?<=^|\n)\.[\r\n]/), text.length - 3);
      assert.match(text, /(^|\r\n)\.\r\n$/);
      assert.deepEqual(bytes, converted(Buffer.from(content), []).bytes);
    }),
  );
});

test("good lines arrive as they were, less the dots", () => {
  const line = fc.array(fc.constantFrom(0x2e, 0x61, 0xff, 0x00), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(99)), (lines, places) => {
      const content = Buffer.concat(lines.map((bytes) => Buffer.from([...bytes, 0x0d, 0x0a])));
      const { fine, bytes } = converted(content, places, true);
      assert.equal(fine, true);
      const received = bytes.toString("latin1").replace(/(?<=^|\r\n)\./g, "");
      assert.equal(received, `${content.toString("latin1")}\r\n`);
    }),
  );
});
