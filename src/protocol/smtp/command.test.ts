import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Command, CommandReader, maximumLineOctets, tooLong } from "./command.ts";

function commandsIn(...chunks: readonly string[]): { commands: Command[]; rest: string } {
  const reader = new CommandReader();
  const commands: Command[] = [];
  for (const chunk of chunks) {
    reader.give(Buffer.from(chunk, "latin1"));
    for (let command = reader.next(); command !== undefined; command = reader.next()) commands.push(command);
  }
  return { commands, rest: Buffer.from(reader.takeRest()).toString("latin1") };
}

for (const [line, verb, argument] of [
  ["QUIT\r\n", "QUIT", ""],
  ["quit\n", "QUIT", ""],
  ["mail FROM:<a@b>\r\n", "MAIL", "FROM:<a@b>"],
  ["NOOP   x  \r\n", "NOOP", "x  "],
  ["\r\n", "", ""],
  [" NOOP\r\n", "", "NOOP"],
  ["HELO\tx\r\n", "HELO\tX", ""], // a tab separates nothing
  ["HELO a\r\r\n", "HELO", "a\r"],
  ["\xe9t\xe9\r\n", "\xe9T\xe9", ""],
] as const) {
  test(`the command ${JSON.stringify(line)}`, () => {
    assert.deepEqual(commandsIn(line).commands, [{ verb, argument }]);
  });
}

test("a line may be as long as allowed, its end included, and no longer", () => {
  const longest = `NOOP ${"x".repeat(maximumLineOctets - 7)}\r\n`;
  assert.equal(commandsIn(longest).commands[0]?.verb, "NOOP");
  assert.deepEqual(commandsIn(`x${longest}QUIT\r\n`).commands, [tooLong, { verb: "QUIT", argument: "" }]);
});

test("a line without end is skipped, not kept", () => {
  const megabyte = "x".repeat(1 << 20);
  assert.deepEqual(commandsIn(megabyte, megabyte, "\r\nRSET\r\n").commands, [
    tooLong,
    { verb: "RSET", argument: "" },
  ]);
});

test("no cut matters", () => {
  const line = fc.array(fc.constantFrom("a", "B", " ", "\r", "x".repeat(1100)), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 4000 })), (lines, places) => {
      const whole = lines.map((pieces) => pieces.join("") + "\r\n").join("");
      const marks = [0, ...places.map((place) => Math.min(place, whole.length)).sort((a, b) => a - b)];
      const pieces = marks.map((mark, at) => whole.slice(mark, marks[at + 1]));
      assert.deepEqual(commandsIn(...pieces), commandsIn(whole));
    }),
  );
});

test("what follows a command can be taken as something else", () => {
  const reader = new CommandReader();
  reader.give(Buffer.from("DATA\r\nSubject: x\r\n"));
  assert.deepEqual(reader.next(), { verb: "DATA", argument: "" });
  assert.equal(Buffer.from(reader.takeRest()).toString(), "Subject: x\r\n");
  assert.equal(reader.next(), undefined);
});
