import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageScanner } from "./message.ts";

/** What a server gets of the chunks, up to the message's end, and what is left behind it. */
function pass(...chunks: string[]): { sent: string; left: string | undefined } {
  const scanner = new MessageScanner();
  let sent = "";
  for (const [index, chunk] of chunks.entries()) {
    const { dotsBefore, end } = scanner.scan(Buffer.from(chunk, "latin1"), 0);
    let from = 0;
    for (const place of dotsBefore) {
      sent += chunk.slice(from, place) + ".";
      from = place;
    }
    sent += chunk.slice(from, end);
    if (end !== undefined) return { sent, left: chunk.slice(end) + chunks.slice(index + 1).join("") };
  }
  return { sent, left: undefined };
}

for (const [name, message, sent, left] of [
  ["an empty message", ".\r\n", ".\r\n", ""],
  ["a short one, and a command behind it", "x\r\n.\r\nQUIT\r\n", "x\r\n.\r\n", "QUIT\r\n"],
  ["a stuffed dot", "..\r\n.\r\n", "..\r\n.\r\n", ""],
  ["a line that only begins with a dot", ".x\r\n.\r\n", ".x\r\n.\r\n", ""],
  ["a dot and CR that go on", ".\rx\r\n.\r\n", ".\rx\r\n.\r\n", ""],
  ["CR CR LF . CR LF", "x\r\r\n.\r\n", "x\r\r\n.\r\n", ""],
  ["no end: a dot inside a line", "x.\r\n", "x.\r\n", undefined],
  ["no end: LF . LF, which gets a dot", "x\n.\nMAIL\n", "x\n..\nMAIL\n", undefined],
  ["no end: LF . CR LF", "x\n.\r\ny", "x\n..\r\ny", undefined],
  ["no end: CR LF . LF", "x\r\n.\ny", "x\r\n..\ny", undefined],
  ["no end: LF LF . CR LF", "x\r\n\n.\r\n", "x\r\n\n..\r\n", undefined],
  ["no end: a first line of . LF", ".\nx", "..\nx", undefined],
  ["no end: . LF twice", "x\n.\n.\n", "x\n..\n..\n", undefined],
] as const) {
  test(`the end of a message, ${name}`, () => {
    assert.deepEqual(pass(message), { sent, left });
    for (let at = 1; at < message.length; at++) {
      assert.deepEqual(pass(message.slice(0, at), message.slice(at)), { sent, left }, `cut at ${at}`);
    }
    assert.deepEqual(pass(...message), { sent, left }, "byte by byte");
  });
}

/** What a server that takes any LF for a line end, and drops one CR before it, makes of a message. */
function endForLaxServer(text: string): number {
  return /(?:^|\n)\.\r?\n/.exec(text)?.index ?? -1;
}

test("no cut matters, and no server sees an earlier end than we do", () => {
  const bytes = fc.array(fc.constantFrom("\r", "\n", ".", "x", "\r\n", "\r\n.\r\n"), { maxLength: 24 });
  fc.assert(
    fc.property(bytes, fc.infiniteStream(fc.nat(5)), (pieces, sizes) => {
      const message = pieces.join("");
      const chunks: string[] = [];
      for (let at = 0; at < message.length; ) {
        const size = (sizes.next().value ?? 0) + 1;
        chunks.push(message.slice(at, at + size));
        at += size;
      }
      const whole = pass(message);
      assert.deepEqual(pass(...chunks), whole);
      const body = whole.left === undefined ? whole.sent : whole.sent.slice(0, -3);
      assert.equal(endForLaxServer(body), -1);
      if (!/(^|[^\r])\n/.test(message))
        assert.ok(message.startsWith(whole.sent), "nothing is added without need");
    }),
    { numRuns: 500 },
  );
});
