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

/** A text that counts what is looked at. A search may look at each of its places for each character it looks for. */
class Counted {
  steps = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  charCodeAt(at: number): number {
    this.steps += 1;
    return this.#text.charCodeAt(at);
  }

  startsWith(words: string, at = 0): boolean {
    this.steps += words.length;
    return this.#text.startsWith(words, at);
  }

  indexOf(words: string, from = 0): number {
    const found = this.#text.indexOf(words, from);
    this.steps += ((found === -1 ? this.length : found) - from + 1) * words.length;
    return found;
  }
}

/** How much of `text` a glob looks at, as a part of what it may: the length of the line times that of the glob. */
function effort(glob: string, text: string): number {
  const counted = new Counted(text);
  compileGlob(glob).matches(counted as unknown as string);
  return counted.steps / ((glob.length + 1) * (text.length + 1));
}

test("no glob looks at a line more often than it is long", () => {
  const piece = fc.constantFrom("*", "*", "?", "a", "ab", "[ab]", "[!a]", "*a", "*?", "*[ab]b", "\\a");
  const glob = fc.array(piece, { maxLength: 40 }).map((all) => all.join(""));
  const text = fc.array(fc.constantFrom("a", "a", "a", "b"), { maxLength: 200 }).map((all) => all.join(""));
  fc.assert(
    fc.property(glob, text, (source, subject) => {
      assert.ok(effort(source, subject) <= 2);
    }),
  );
});

for (const [glob, text] of [
  ["*a".repeat(50) + "b", "a".repeat(1000)],
  ["*a?".repeat(50) + "b", "a".repeat(1000)],
  ["*[ab]".repeat(50) + "c", "a".repeat(1000)],
  ["*" + "a".repeat(50) + "b*", "a".repeat(1000)],
  ["*" + "?".repeat(50) + "[b]*", "a".repeat(1000)],
  ["*" + "a?".repeat(50) + "b*", "ab".repeat(1000)],
] as const) {
  test(`an attack on matching: ${glob.slice(0, 12)}…`, () => assert.ok(effort(glob, text) <= 2));
}

test("no glob is exponential", () => {
  assert.equal(compileGlob("*a".repeat(5000) + "b").matches("a".repeat(20_000)), false);
});
