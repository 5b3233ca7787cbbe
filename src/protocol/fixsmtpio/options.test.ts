import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOptions, readCommandLine } from "./options.ts";

for (const [words, options, prog] of [
  ["ofmipd", {}, ["ofmipd"]],
  ["ofmipd -s -x", {}, ["ofmipd", "-s", "-x"]],
  ["-s ofmipd", { strictLineEnds: true }, ["ofmipd"]],
  ["-b ofmipd", { offersChunking: true }, ["ofmipd"]],
  ["-hs -- -odd", { strictLineEnds: true, hidesExtensions: true }, ["-odd"]],
  ["-sl512 -n 99 a b", { strictLineEnds: true, maximumRequestOctets: 512, maximumRequests: 99 }, ["a", "b"]],
  ["- x", {}, ["-", "x"]],
] as const) {
  test(`fixsmtpio ${words}`, () => {
    assert.deepEqual(readCommandLine(words.split(" ")), { options, prog });
    const again = [...formatOptions(options).split(" "), "prog"].filter((word) => word !== "");
    assert.deepEqual(readCommandLine(again), { options, prog: ["prog"] });
  });
}

for (const words of [
  "",
  "-s",
  "-x ofmipd",
  "-l",
  "-l ofmipd",
  "-l 0 ofmipd",
  "-n5x ofmipd",
  "--strict ofmipd",
]) {
  test(`not understood: fixsmtpio ${words}`, () => {
    assert.equal(readCommandLine(words.split(" ").filter((word) => word !== "")), undefined);
  });
}
