import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeWholeLines } from "./whole-lines.ts";
import { mostOctets } from "./whole-lines-code.ts";

function decode(text: string, atStart = true): { content: string; left: string } {
  const octets = Buffer.from(text, "latin1");
  const { at, to } = decodeWholeLines(octets, 0, atStart);
  return { content: octets.toString("latin1", 0, to), left: octets.toString("latin1", at) };
}

for (const length of [0, 1, 14, 15, 16, 17, 31, 32, 33, 100]) {
  const line = "x\0\xffyz ".repeat(20).slice(0, length);

  test(`lines of ${length}, and one that is not whole`, () => {
    for (let part = 0; part < 20; part++) {
      const left = `${line}${"z".repeat(part)}`;
      assert.deepEqual(decode(`${line}\r\n${line}\r\n${left}`), { content: `${line}\n${line}\n`, left });
    }
  });

  test(`lines of ${length} with a dot in front`, () => {
    assert.deepEqual(decode(`..${line}\r\n.z${line}\r\n`), { content: `.${line}\nz${line}\n`, left: "" });
    assert.deepEqual(decode(`.${line}\r\n`, false), { content: `.${line}\n`, left: "" });
  });

  for (const left of [
    ".\r\nQUIT\r\n",
    `${line}\n\r\n`,
    `${line}\r\r\n`,
    `z${line}\rz\r\n`,
    ".\n",
    ".\r.\r\n",
    "\r",
  ]) {
    test(`lines of ${length}, before ${JSON.stringify(left)}`, () => {
      assert.deepEqual(decode(`${line}\r\n${left}`), { content: `${line}\n`, left });
    });
  }
}

test("more than goes at once", () => {
  for (const lines of [100, mostOctets / 2 - 1, mostOctets / 2, mostOctets / 2 + 1, 3 * mostOctets]) {
    assert.deepEqual(decode("\r\n".repeat(lines)), { content: "\n".repeat(lines), left: "" }, String(lines));
    const text = `..${"x".repeat(70)}\r\n`.repeat(lines);
    const content = `.${"x".repeat(70)}\n`.repeat(lines);
    assert.deepEqual(decode(text), { content, left: "" }, String(lines));
  }
});

test("a line that is longer than what goes at once is left", () => {
  const long = `${"x".repeat(mostOctets)}\r\n`;
  assert.deepEqual(decode(`a\r\n${long}`), { content: "a\n", left: long });
});
