import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const bundle = join(root, "build", "app.cjs");
const whole = join(root, "build", "acceptutils.parts");
/** The files that are one program, by name. */
export const bundled: readonly string[] = ["app.cjs", "acceptutils.parts"];

/** Builds the bundle when a source file is newer. Returns its path. */
export async function buildIfStale(): Promise<string> {
  const there = bundled.every((name) => existsSync(join(root, "build", name)));
  if (there && statSync(whole).mtimeMs > Math.max(newest(join(root, "src")), newest(import.meta.dirname)))
    return bundle;
  const [{ build }, { partsFile }] = await Promise.all([import("esbuild"), import("./parts.ts")]);
  mkdirSync(join(root, "build"), { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [join(root, "src", "main.ts")],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "warning",
    legalComments: "none",
    outdir: join(root, "build"),
    write: false,
    external: ["koffi"],
    // Functions, which parts become, have their own words for where a file is.
    define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  });
  const next = `${whole}.${process.pid}`;
  writeFileSync(
    next,
    partsFile(
      whole,
      outputFiles.map(({ path, text }) => ({ name: basename(path), text })),
    ),
  );
  copyFileSync(join(import.meta.dirname, "app.cjs"), bundle);
  renameSync(next, whole); // whole or not at all: somebody may be starting from it
  return bundle;
}

function newest(folder: string): number {
  let latest = statSync(join(root, "package-lock.json")).mtimeMs;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}
