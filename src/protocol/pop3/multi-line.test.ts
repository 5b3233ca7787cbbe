import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MultiLine, wholeResponse } from "./multi-line.ts";

function sent(chunks: readonly Uint8Array[], bodyLines?: number): string {
  const response = new MultiLine(bodyLines);
  const parts = chunks.map((chunk) => response.push(chunk));
  return [...parts, response.finish()].join("");
}

const message = "Subject: x\nTo: y\n\n.one\ntwo\n\nthree\n";

for (const [stored, bodyLines, response] of [
  ["", undefined, "\r\n.\r\n"],
  ["Subject: x\n\nbody\n", undefined, "Subject: x\r\n\r\nbody\r\n\r\n.\r\n"],
  ["Subject: x\n\nno end", undefined, "Subject: x\r\n\r\nno end\r\n\r\n.\r\n"],
  ["a\n.\n..\n", undefined, "a\r\n..\r\n...\r\n\r\n.\r\n"],
  ["crlf\r\n", undefined, "crlf\r\r\n\r\n.\r\n"], // as stored: not ours to change
  [message, 0, "Subject: x\r\nTo: y\r\n\r\n\r\n.\r\n"],
  [message, 1, "Subject: x\r\nTo: y\r\n\r\n..one\r\n\r\n.\r\n"],
  [message, 3, "Subject: x\r\nTo: y\r\n\r\n..one\r\ntwo\r\n\r\n\r\n.\r\n"],
  [message, 9, "Subject: x\r\nTo: y\r\n\r\n..one\r\ntwo\r\n\r\nthree\r\n\r\n.\r\n"],
] as const) {
  const name = `${JSON.stringify(stored)}${bodyLines === undefined ? "" : `, ${bodyLines} lines of the body`}`;
  test(name, () => assert.equal(sent([Buffer.from(stored)], bodyLines), response));
}

test("no cut matters, and what was sent gives the message back", () => {
  const text = fc.string({ unit: fc.constantFrom("\n", ".", "\r", "a", "\xff"), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.option(fc.nat(4), { nil: undefined }), fc.nat(60), (text, bodyLines, at) => {
      const bytes = Buffer.from(text, "latin1");
      const whole = sent([bytes], bodyLines);
      assert.equal(sent([bytes.subarray(0, at), bytes.subarray(at)], bodyLines), whole);
      if (bodyLines === undefined) assert.equal(wholeResponse("+OK\r\n", bytes), `+OK\r\n${whole}`);
      assert.equal(
        sent(
          Array.from(bytes, (octet) => Uint8Array.of(octet)),
          bodyLines,
        ),
        whole,
      );
      assert.ok(whole.endsWith("\r\n.\r\n"));
      // No line before the last is a lone dot.
      assert.ok(!`\r\n${whole.slice(0, -3)}`.includes("\r\n.\r\n"));
      if (bodyLines !== undefined) return;
      const lines = whole.slice(0, -"\r\n.\r\n".length).split("\r\n");
      const back = lines.map((line) => line.replace(/^\./, "")).join("\n");
      assert.equal(back, text === "" || text.endsWith("\n") ? text : `${text}\n`);
    }),
  );
});
