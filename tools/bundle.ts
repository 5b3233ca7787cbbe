import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "build");
export const bundle = join(folder, "app.cjs");

/**
 * The file of parts that the bundle names, after what is in it: whoever runs has the old one open, and a new one is never
 * written over it, however it is copied there. Undefined: there is none.
 */
export function partsOfBundle(): string | undefined {
  if (!existsSync(bundle)) return undefined;
  const name = /acceptutils-\w+\.parts/.exec(readFileSync(bundle, "latin1"))?.[0];
  const file = join(folder, name ?? "");
  return name !== undefined && existsSync(file) ? file : undefined;
}

/** Builds the bundle when a source file is newer. Returns its path. */
export async function buildIfStale(): Promise<string> {
  const sources = Math.max(newest(join(root, "src")), newest(import.meta.dirname));
  if (partsOfBundle() !== undefined && statSync(bundle).mtimeMs > sources) return bundle;
  const [{ build }, { partsFile }] = await Promise.all([import("esbuild"), import("./parts.ts")]);
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [join(root, "src", "main.ts")],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "warning",
    legalComments: "none",
    outdir: folder,
    write: false,
    external: ["koffi"],
    // Functions, which parts become, have their own words for where a file is.
    define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  });
  const modules = outputFiles.map(({ path, text }) => ({ name: basename(path), text }));
  const parts = partsFile(join(folder, "acceptutils.parts"), modules);
  const name = `acceptutils-${createHash("sha256").update(parts).digest("hex").slice(0, 12)}.parts`;
  replace(join(folder, name), parts);
  const first = readFileSync(join(import.meta.dirname, "app.cjs"), "utf8");
  replace(bundle, first.replace("/acceptutils.parts", `/${name}`));
  removeOthers(name);
  return bundle;
}

/** Whole or not at all, even when the power goes: somebody may be starting from it. */
function replace(file: string, content: Buffer | string): void {
  const next = `${file}.${process.pid}`;
  const fd = openSync(next, "w");
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(next, file);
}

const hour = 3600_000;

/** Parts of bundles before; not those of the last hour, which somebody may be starting from. */
function removeOthers(name: string): void {
  for (const other of readdirSync(folder)) {
    const file = join(folder, other);
    if (!other.endsWith(".parts") || other === name || statSync(file).mtimeMs > Date.now() - hour) continue;
    unlinkSync(file);
  }
}

function newest(folder: string): number {
  let latest = statSync(join(root, "package-lock.json")).mtimeMs;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}
