import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob } from "./glob.ts";

const line = "250 abc/def [x] 9\r\n";

for (const [glob, text, matches] of [
  ["*", line, true],
  ["", "", true],
  ["", "x", false],
  ["250 *", line, true],
  ["250-*", line, false],
  ["25[0-9]*", line, true],
  ["25[!0-9]*", line, false],
  ["25[^1]*", line, true],
  ["*ABC*", line, false],
  ["*\\[x\\]*", line, true],
  ["*[]]*", line, true],
  ["250 abc/def [[]x] 9??", line, true], // the line end is two characters
  ["250 abc/def [[]x] 9?", line, false],
  ["*9", line, false],
  ["*9?*", line, true],
  ["250*abc*def*9*", line, true],
  ["250*def*abc*", line, false],
  ["*[c-a]*", line, false], // an empty range
  ["*[0-]*", line, true],
  ["*[-0]*", line, true],
  ["[a-]", "-", true],
  ["[--/]", ".", true],
  ["[\\]]", "]", true],
  ["[[.-.]]", "-", true],
  ["[[=a=]]", "a", true],
  ["[]", "[]", true], // never closed
  ["25[0*", "25[0 ok", true],
  ["25[0*", "250 ok", false],
  ["\\250*", line, true],
  ["*\\", line, false], // a backslash with nothing to quote
  ["*\\", "250 \\", false],
  [".*", ".x", true],
  ["*", ".x", true],
  ["ab*ba", "aba", false], // the stars' neighbours do not overlap
  ["*aab", "aaab", true],
  ["?é", "xé", true],
] as const) {
  test(`${JSON.stringify(glob)} ${matches ? "matches" : "does not match"} ${JSON.stringify(text)}`, () => {
    assert.equal(compileGlob(glob).matches(text), matches);
  });
}

for (const [glob, can] of [
  ["*", true],
  ["250 ok", false],
  ["250 ok*", true],
  ["250 ok??", true],
  ["250 ok?", false],
  ["*\r\n", true],
  ["*[!a]", true],
  ["*[!\n]", false],
  ["?", false],
] as const) {
  test(`${JSON.stringify(glob)} ${can ? "can" : "cannot"} match a whole line`, () => {
    assert.equal(compileGlob(glob).canEndWith("\r\n"), can);
  });
}

/** The definition, as plain as it gets, and exponential: star is "nothing, or one character and star". */
function simply(glob: string, text: string): boolean {
  if (glob === "") return text === "";
  const rest = glob.slice(1);
  if (glob[0] === "*") return simply(rest, text) || (text !== "" && simply(glob, text.slice(1)));
  if (text === "") return false;
  return (glob[0] === "?" || glob[0] === text[0]) && simply(rest, text.slice(1));
}

test("a glob matches what its definition says", () => {
  const few = fc.array(fc.constantFrom("a", "b", "*", "?"), { maxLength: 8 }).map((all) => all.join(""));
  const text = fc.array(fc.constantFrom("a", "b"), { maxLength: 10 }).map((all) => all.join(""));
  fc.assert(
    fc.property(few, text, (glob, subject) => {
      assert.equal(compileGlob(glob).matches(subject), simply(glob, subject));
    }),
  );
});

test("a quoted text matches itself alone", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, other) => {
      const quoted = compileGlob(text.replace(/[*?[\]\\]/g, "\\$&"));
      assert.equal(quoted.matches(text), true);
      assert.equal(quoted.matches(other), text === other);
    }),
  );
});

test("no glob is exponential", () => {
  assert.equal(compileGlob("*a".repeat(5000) + "b").matches("a".repeat(20_000)), false);
});
