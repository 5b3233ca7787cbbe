/** The checks that are no tests: types, lint and format. `npm run check` and `npm test` both begin with them. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** Runs one step, says how it went, and returns whether it went well. */
export function step(name: string, command: string, args: readonly string[]): boolean {
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  return status === 0;
}

export const types = () => step("types", bin("tsc"), ["-p", "."]);
export const lint = () => step("lint and format", bin("biome"), ["check", "--error-on-warnings", "."]);
