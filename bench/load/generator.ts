/** The program that makes the load: the C files of this folder. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../contender/compile.ts";

export const sources: readonly string[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".c"))
  .map((name) => join(import.meta.dirname, name));

let compiled: string | undefined;

/** Its path. Compiled once in a process, and gone with it. Throws with the compiler's words. */
export function generator(): string {
  if (compiled !== undefined) return compiled;
  const folder = mkdtempSync(join(tmpdir(), "acceptutils-bench-load-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "load");
  compile(program, sources);
  compiled = program;
  return program;
}
