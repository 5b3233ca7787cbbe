import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { getopt, Misused } from "./getopt.ts";

const letters = "abv:x:";
const read = (line: string) => {
  const { given, rest } = getopt(line.split(" "), letters);
  return [given.map(({ letter, value }) => letter + value).join(" "), rest.join(" ")];
};

for (const [line, options, rest] of [
  ["-a -b p q", "a b", "p q"],
  ["-abv3 p", "a b v3", "p"],
  ["-v 3 p -a", "v3", "p -a"],
  ["-av -- p", "a v--", "p"],
  ["-a -- -b", "a", "-b"],
  ["- p", "", "- p"],
  ["p", "", "p"],
] as const) {
  test(`${line}: options ${options || "none"}`, () => assert.deepEqual(read(line), [options, rest]));
}

for (const line of ["-c p", "-: p", "-a -v"]) {
  test(`${line} is refused`, () => assert.throws(() => read(line), Misused));
}

test("what was given is found, however letters are put together", () => {
  const option = fc.oneof(
    fc.constantFrom("a", "b").map((letter) => ({ letter, value: "" })),
    fc.tuple(fc.constantFrom("v", "x"), fc.stringMatching(/^[a-z0-9]{1,5}$/)).map(([letter, value]) => ({
      letter,
      value,
    })),
  );
  fc.assert(
    fc.property(fc.array(option), fc.boolean(), (given, together) => {
      let words: string[] = [];
      for (const { letter, value } of given) {
        const before = words.at(-1);
        // After a letter that takes none, the next may stand in the same word.
        if (together && before !== undefined && /^-[ab]+$/.test(before))
          words = [...words.slice(0, -1), before + letter + value];
        else words.push(`-${letter}${value}`);
      }
      assert.deepEqual(getopt([...words, "--", "-a"], letters), { given, rest: ["-a"] });
    }),
  );
});
