import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderReader, maximumHeaderOctets } from "./header-reader.ts";

function read(pieces: readonly string[]) {
  const reader = new HeaderReader();
  for (const [at, piece] of pieces.entries()) {
    const header = reader.take(Buffer.from(piece, "latin1"));
    if (header === undefined) continue;
    if (header === "tooLong") return header;
    const body = Buffer.from(header.body).toString("latin1") + pieces.slice(at + 1).join("");
    return { fields: header.fields.map(({ name, value }) => [name, value]), body };
  }
  const { fields, body } = reader.atEnd();
  return {
    fields: fields.map(({ name, value }) => [name, value]),
    body: Buffer.from(body).toString("latin1"),
  };
}

for (const [name, message, fields, body] of [
  [
    "a header and a body",
    "Subject: x\nTo: a,\n b\n\nhello\n",
    [
      ["subject", " x\n"],
      ["to", " a,\n b\n"],
    ],
    "\nhello\n",
  ],
  ["no header", "\nbody\n", [], "\nbody\n"],
  ["a header only", "Subject: x\n", [["subject", " x\n"]], ""],
  ["a header with an empty line", "Subject: x\n\n", [["subject", " x\n"]], "\n"],
  ["nothing", "", [], ""],
  [
    "a line that is no field",
    "Subject: x\nnot a field\nmore\n",
    [["subject", " x\n"]],
    "\nnot a field\nmore\n",
  ],
  ["a first line that goes on from nothing", " x\nA: b\n", [], "\n x\nA: b\n"],
  ["blanks before the colon", "Subject : x\n\n", [["subject", " x\n"]], "\n"],
  ["a colon alone", ": x\n\n", [], "\n: x\n\n"],
] as const) {
  test(name, () => {
    const expected = { fields, body };
    assert.deepEqual(read([message]), expected);
    for (let at = 1; at < message.length; at++) {
      assert.deepEqual(read([message.slice(0, at), message.slice(at)]), expected, `cut at ${at}`);
    }
    assert.deepEqual(read([...message]), expected, "byte by byte");
  });
}

test("a header is kept up to a limit, in lines or in one", () => {
  assert.equal(read(["A: b\n".repeat(maximumHeaderOctets / 5 + 1), "\n"]), "tooLong");
  assert.equal(read(["A: ", "x".repeat(maximumHeaderOctets), "\n\n"]), "tooLong");
  assert.notEqual(read(["A: b\n\n", "x".repeat(maximumHeaderOctets)]), "tooLong");
});
