/**
 * `npm test`: everything. Types and lint, the unit tests with coverage, then whatever talks to real processes, clients
 * and servers. Installs nothing: what is missing (.ci/run brings it) is skipped by name. No process may be left behind.
 *
 *     npm test                       all of it
 *     npm test -- clients golden     only the test files whose path has one of the words in it
 */
import { randomUUID } from "node:crypto";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { lint, root, step, types } from "../tools/steps.ts";
import { leftBehind } from "./runner/left-behind.ts";
import { Report } from "./runner/report.ts";

const started = performance.now();
const words = process.argv.slice(2);
const marker = randomUUID();
// Every process of the run inherits it, so that we know ours from those of others.
process.env["ACCEPTUTILS_TEST_RUN"] = marker;

const report = new Report();
const flags = ["--disable-warning=ExperimentalWarning"];
const fileMinutes = 6;

await phase("build", () =>
  report.check("build", step("build", process.execPath, [...flags, join(root, "tools", "build.ts")])),
);
if (words.length === 0) {
  await phase("types and lint", () => {
    report.check("types", types());
    report.check("lint and format", lint());
  });
}
await phase("unit tests", () => test(["src/**/*.test.ts", "test/play.test.ts"], true));
await phase("real processes", () => test(["test/**/*.test.ts"], false));
report.check("no process is left behind", (await leftBehind(marker, (line) => console.log(line))) === 0);
process.exitCode = report.close((performance.now() - started) / 1000);

async function phase(name: string, work: () => unknown): Promise<void> {
  console.log(`\n== ${name}`);
  await work();
}

/** Runs the test files that match, one process for each. Those that measure the world run one after the other. */
async function test(patterns: readonly string[], unit: boolean): Promise<void> {
  const files = globSync(patterns, { cwd: root })
    .filter((file) => unit || file !== "test/play.test.ts")
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .map((file) => join(root, file))
    .sort();
  if (files.length === 0) return;
  const stream = run({
    files,
    cwd: root,
    concurrency: unit ? availableParallelism() : 1,
    execArgv: flags,
    timeout: fileMinutes * 60_000,
    coverage: unit && words.length === 0,
    coverageIncludeGlobs: ["src/**"],
    coverageExcludeGlobs: ["**/*.test.ts"],
  });
  await report.follow(stream);
}
