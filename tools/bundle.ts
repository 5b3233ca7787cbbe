import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const bundle = join(root, "build", "app.cjs");
const whole = join(root, "build", "acceptutils.cjs");

/** Packages that few programs need: a file of its own each, which is read when one of them is run. */
const apart: ReadonlyMap<string, string> = new Map([
  ["ldapts", "ldapts.cjs"],
  ["postgres", "postgres.cjs"],
  ["jose", "jose.cjs"],
  ["nodemailer/lib/smtp-connection", "smtp-connection.cjs"],
]);
/** The files that are one program, by name. */
export const bundled: readonly string[] = ["app.cjs", "acceptutils.cjs", ...apart.values()];

/** The first file: it turns on the compile cache, which works for what is loaded after. */
const first = `const { enableCompileCache } = require("node:module");
enableCompileCache(process.env.NODE_COMPILE_CACHE || __dirname + "/cache");
require("./acceptutils.cjs");
`;

/** Builds the bundle when a source file is newer. Returns its path. */
export async function buildIfStale(): Promise<string> {
  const there = bundled.every((name) => existsSync(join(root, "build", name)));
  if (there && statSync(whole).mtimeMs > newest(join(root, "src"))) return bundle;
  const { build } = await import("esbuild");
  mkdirSync(join(root, "build"), { recursive: true });
  const next = `${whole}.${process.pid}`;
  const settings = {
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    logLevel: "warning",
    legalComments: "none",
  } as const;
  for (const [name, fileName] of apart) {
    const file = join(root, "build", fileName);
    const outfile = `${file}.${process.pid}`;
    // As a module of CommonJS, so that what it exports is what import() of the package gives.
    const contents = `module.exports = require(${JSON.stringify(name)});`;
    await build({ ...settings, stdin: { contents, resolveDir: root }, outfile });
    renameSync(outfile, file);
  }
  await build({
    ...settings,
    entryPoints: [join(root, "src", "main.ts")],
    outfile: next,
    external: ["koffi"],
    // As require(), which is how the files apart say what they export.
    supported: { "dynamic-import": false },
    plugins: [
      {
        name: "apart",
        setup: ({ onResolve }) =>
          onResolve({ filter: new RegExp(`^(?:${[...apart.keys()].join("|")})$`) }, ({ path }) => ({
            path: `./${apart.get(path)}`,
            external: true,
          })),
      },
    ],
    // CommonJS has its own words for where a file is.
    define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  });
  writeFileSync(bundle, first);
  writeFileSync(next, inAscii(readFileSync(next, "utf8")));
  renameSync(next, whole); // whole or not at all: somebody may be starting from it
  return bundle;
}

/** Node.js holds a source in twice its octets when one character of it is not ASCII; the last are in comments. */
const inAscii = (source: string) =>
  source.replace(/[^\x00-\x7f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

function newest(folder: string): number {
  let latest = statSync(join(root, "package-lock.json")).mtimeMs;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}
