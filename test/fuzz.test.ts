/** The fuzz targets, for a few seconds each; node test/fuzz/NAME.ts SECONDS runs one for longer. */
import { test } from "node:test";
import { fuzz as fuzzFixsmtpio } from "./fuzz/fixsmtpio.ts";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 3);

test("fixsmtpio: random rules, servers and clients", (t) => {
  const seed = Date.now() % 1e9;
  t.diagnostic(`${fuzzFixsmtpio(seconds, seed)} runs from seed ${seed}`);
});
