import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ControlError, number, oneOf, optional, parseSettings, settingsOf, text } from "./settings-file.ts";

const kinds = {
  url: text(),
  seconds: number(1, 60, 10),
  tls: oneOf(["yes", "no"], "yes"),
  name: optional(text()),
};

test("a line is a name and its value, whatever blanks are around; what is not set is as usual", () => {
  const file = "# where\n\n \turl \t ldap://a b \t\r\nseconds 5\n";
  assert.deepEqual(parseSettings(file, kinds), {
    settings: { url: "ldap://a b", seconds: 5, tls: "yes", name: undefined },
  });
});

for (const [why, file, ...spots] of [
  [
    "an unknown name",
    "url x\n  ulr y\n",
    [2, 3, 'there is no setting "ulr"; there are url, seconds, tls, name'],
  ],
  [
    "a name every object has",
    "url x\nconstructor y\n",
    [2, 1, 'there is no setting "constructor"; there are url, seconds, tls, name'],
  ],
  ["a setting twice", "url x\nurl y\n", [2, 1, "url is set above"]],
  ["no value", "url\n", [1, 4, "url wants a value after its name"]],
  ["no number", "url x\nseconds  ten", [2, 10, 'seconds wants a number from 1 to 60, not "ten"']],
  ["too large a number", "url x\nseconds 61", [2, 9, 'seconds wants a number from 1 to 60, not "61"']],
  ["another word", "url x\ntls maybe", [2, 5, 'tls wants yes or no, not "maybe"']],
  ["a control character", "url a\u0007b", [1, 6, "url wants no control characters"]],
  ["what must be there and is not", "tls no\n", [2, 1, "url is missing"]],
  [
    "all at once",
    "tls x\nseconds y\n",
    [1, 5, 'tls wants yes or no, not "x"'],
    [2, 9, 'seconds wants a number from 1 to 60, not "y"'],
    [3, 1, "url is missing"],
  ],
] as const) {
  test(`settings: ${why} is told with its place`, () => {
    const expected = spots.map(([line, column, text]) => ({ line, column, text }));
    assert.deepEqual(parseSettings(file, kinds), { spots: expected });
  });
}

test("the first mistake of a file is an error with the file's name; a missing file is one where something must be set", () => {
  const bytes = (text: string) => Buffer.from(text);
  assert.throws(
    () => settingsOf("control/x", bytes("url a\nq 1"), kinds),
    (error: Error) => {
      assert.ok(error instanceof ControlError);
      assert.match(error.message, /^control\/x:2:1: there is no setting "q"/);
      return true;
    },
  );
  assert.throws(() => settingsOf("control/x", undefined, kinds), /^ControlError: control\/x is missing$/);
  assert.deepEqual(settingsOf("control/x", undefined, { seconds: kinds.seconds }), { seconds: 10 });
  const file = bytes("url a");
  assert.equal(settingsOf("control/x", file, kinds), settingsOf("control/x", file, kinds));
});

test("any text is settings or mistakes within it", () => {
  const unit = fc.constantFrom(..."url seconds tls\n# \t\r\0\u00ff19".split(""), "url ", "seconds ", "\n");
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (file) => {
      const result = parseSettings(file, kinds);
      if ("settings" in result) return;
      const lines = file.split("\n");
      for (const { line, column } of result.spots) {
        assert.ok(line >= 1 && line <= lines.length);
        assert.ok(column >= 1 && column <= (lines[line - 1] ?? "").length + 1);
      }
    }),
  );
});
