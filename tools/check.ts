/** `npm run check`: types, lint, format and unit tests. What every commit passes. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => join(root, "node_modules", ".bin", name);

function step(name: string, command: string, args: readonly string[]): void {
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (status !== 0) process.exitCode = 1;
}

step("types", bin("tsc"), ["-p", "."]);
step("lint and format", bin("biome"), ["check", "--error-on-warnings", "."]);
step("unit tests", process.execPath, [
  "--disable-warning=ExperimentalWarning",
  "--test",
  "--test-reporter=dot",
  ...globSync(["src/**/*.test.ts", "test/*play.test.ts"], { cwd: root }),
]);
