/** `npm run check`: types, lint, format and unit tests. What every commit passes. */
import { globSync } from "node:fs";
import { lint, root, step, types } from "./steps.ts";

const unitTests = () =>
  step("unit tests", process.execPath, [
    "--disable-warning=ExperimentalWarning",
    "--test",
    "--test-reporter=dot",
    ...globSync(["src/**/*.test.ts", "test/*play.test.ts", "test/documents.test.ts"], { cwd: root }),
  ]);

const results = [types(), lint(), unitTests()];
process.exitCode = results.every(Boolean) ? 0 : 1;
