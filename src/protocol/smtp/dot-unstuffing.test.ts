import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DataDecoder } from "./dot-unstuffing.ts";

interface Decoded {
  readonly content: string;
  readonly found: "more" | "end" | "bareLineFeed" | "bareCarriageReturn";
  readonly rest: string;
}

function decode(pieces: readonly string[]): Decoded {
  const decoder = new DataDecoder();
  let content = "";
  for (const [at, piece] of pieces.entries()) {
    const taken = decoder.take(Buffer.from(piece, "latin1"));
    content += Buffer.from(taken.content).toString("latin1");
    if (taken.found === "more") continue;
    const rest = piece.slice(taken.next) + pieces.slice(at + 1).join("");
    return { content, found: taken.found, rest };
  }
  return { content, found: "more", rest: "" };
}

/** Enough to be looked at together. */
const manyLines = "The quick brown fox jumps over the lazy dog.\xff\r\n\r\n".repeat(40);

for (const [name, data, content, found, rest] of [
  ["a message", "Subject: x\r\n\r\nhello\r\n.\r\n", "Subject: x\n\nhello\n", "end", ""],
  ["an empty message", ".\r\n", "", "end", ""],
  ["commands after the end", "x\r\n.\r\nQUIT\r\n", "x\n", "end", "QUIT\r\n"],
  ["stuffed dots", "..a\r\n...\r\n.b\r\n.\r\n", ".a\n..\nb\n", "end", ""],
  ["dots inside a line", "a.\r\nb.c\r\n.\r\n", "a.\nb.c\n", "end", ""],
  ["bytes of all kinds", "\0\xff\r\n.\r\n", "\0\xff\n", "end", ""],
  ["a lone CR", "a\rb\r\n.\r\n", "a", "bareCarriageReturn", "\r\n.\r\n"],
  ["a CR before a line end", "a\r\r\n.\r\n", "a", "bareCarriageReturn", "\n.\r\n"],
  ["a dot, two CRs", "a\r\n.\r\r\nb\r\n.\r\n", "a\n", "bareCarriageReturn", "\nb\r\n.\r\n"],
  ["a dot and a CR in a line", "a\r\n.\rb\r\n.\r\n", "a\n", "bareCarriageReturn", "\r\n.\r\n"],
  ["an unfinished message", "a\r\n.\r", "a\n", "more", ""],
  ["a line feed alone", "x\ny\r\n.\r\n", "x", "bareLineFeed", "y\r\n.\r\n"],
  ["smuggling: LF . LF", "x\r\n.\nMAIL", "x\n", "bareLineFeed", "MAIL"],
  ["smuggling: LF . CR LF", "x\n.\r\nMAIL", "x", "bareLineFeed", ".\r\nMAIL"],
  ["smuggling: CR . CR", "x\r.\ry\r\n.\r\n", "x", "bareCarriageReturn", "\ry\r\n.\r\n"],
  ["smuggling: CR . CR LF", "x\r.\r\ny\r\n.\r\n", "x", "bareCarriageReturn", "\r\ny\r\n.\r\n"],
  ["smuggling: CR LF . LF CR LF", "x\r\n.\n\r\nMAIL", "x\n", "bareLineFeed", "\r\nMAIL"],
  ["smuggling: NUL before the dot", "x\r\n\0.\r\n.\r\n", "x\n\0.\n", "end", ""],
] as const) {
  test(name, () => {
    const expected = { content, found, rest };
    assert.deepEqual(decode([data]), expected);
    for (let at = 1; at < data.length; at++) {
      assert.deepEqual(decode([data.slice(0, at), data.slice(at)]), expected, `cut at ${at}`);
    }
    assert.deepEqual(decode([...data]), expected, "byte by byte");
    const long = { ...expected, content: manyLines.replaceAll("\r\n", "\n") + content };
    assert.deepEqual(decode([manyLines + data]), long, "behind many lines");
  });
}

const line = fc
  .array(fc.constantFrom(".", "a", "\xff", "text ", "\0"), { maxLength: 8 })
  .map((pieces) => pieces.join(""));

test("what a client stuffs is what is stored", () => {
  fc.assert(
    fc.property(fc.array(line), fc.string(), (lines, rest) => {
      const sent = lines.map((text) => (text.startsWith(".") ? `.${text}` : text) + "\r\n").join("");
      const stored = lines.map((text) => text + "\n").join("");
      assert.deepEqual(decode([`${sent}.\r\n`, rest]), { content: stored, found: "end", rest });
    }),
  );
});

test("no cut matters, whatever the bytes", () => {
  const lines = manyLines.slice(0, 700);
  const data = fc.array(fc.constantFrom("\r\n", ".", "\r", "\n", "a", "bc", lines), { maxLength: 20 });
  fc.assert(
    fc.property(data, (pieces) => {
      const whole = decode([pieces.join("")]);
      assert.deepEqual(decode(pieces), whole);
      assert.deepEqual(decode([...pieces.join("")]), whole);
    }),
    { numRuns: 500 },
  );
});
