/**
 * Makes build/package: what is published. Plain JavaScript: the bundle with a launcher for each program, and the pure
 * protocol code as a library with its types. `npm pack build/package` makes the tarball.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { programNames } from "../src/programs/table.ts";
import { launcherMark } from "../src/system/lookup.ts";
import { buildIfStale, partsOfBundle } from "./bundle.ts";

const root = dirname(import.meta.dirname);
const folder = join(root, "build", "package");

/** node:ffi is what decides. */
const oldestNode = 26;

/** What a launcher starts: it says so when Node.js is too old, where the bundle would not even be parsed. */
const start = `"use strict";
if (!(Number(process.versions.node.split(".")[0]) >= ${oldestNode})) {
  process.stderr.write("acceptutils: needs Node.js ${oldestNode} or newer; " + process.execPath + " is " + process.version + "\\n");
  process.exit(111);
}
const print = process.listeners("warning");
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "ExperimentalWarning") for (const listener of print) listener(warning);
});
require("./app.cjs");
`;

/** A launcher as install writes it, but for the paths: a package does not know where it will be. */
function launcher(name: string): string {
  return `#!/bin/sh
${launcherMark}
# ${name}
exec node "$(dirname -- "$(readlink -f -- "$0")")/../start.cjs" ${name} "$@"
`;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

/** The published package.json: nothing to install beside it. */
function manifest(libraries: readonly string[]): unknown {
  const { name, version, description, license } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ) as Manifest;
  const library = (part: string) => [
    `./${part}/*`,
    { types: `./lib/${part}/*.d.ts`, default: `./lib/${part}/*.js` },
  ];
  return {
    name,
    version,
    description,
    license,
    type: "module",
    engines: { node: `>=${oldestNode}` },
    os: ["linux"],
    bin: Object.fromEntries(programNames.map((program) => [program, `bin/${program}`])),
    man: readdirSync(join(root, "man")).map((page) => `man/${page}`),
    exports: { ...Object.fromEntries(libraries.map(library)), "./package.json": "./package.json" },
    files: ["app.cjs", "acceptutils-*.parts", "start.cjs", "bin", "lib", "man", "docs", "examples", "*.md"],
  };
}

function compileLibrary(parts: readonly string[]): void {
  const config = join(root, "build", "library.json");
  const compilerOptions = { noEmit: false, declaration: true, rootDir: "../src", outDir: "package/lib" };
  const include = parts.map((part) => `../src/${part}`);
  const whole = { extends: "../tsconfig.json", compilerOptions, include, exclude: ["../src/**/*.test.ts"] };
  writeFileSync(config, JSON.stringify(whole));
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const { status } = spawnSync(tsc, ["-p", config], { stdio: "inherit" });
  if (status !== 0) throw new Error("the library does not compile");
}

/** Makes the folder anew. Returns its path. */
export async function pack(): Promise<string> {
  const bundle = await buildIfStale();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "bin"), { recursive: true });
  const parts = ["protocol", "filters"].filter((part) => existsSync(join(root, "src", part)));
  compileLibrary(parts);
  for (const file of [bundle, partsOfBundle()!]) cpSync(file, join(folder, basename(file)));
  writeFileSync(join(folder, "start.cjs"), start);
  for (const name of programNames) {
    writeFileSync(join(folder, "bin", name), launcher(name));
    chmodSync(join(folder, "bin", name), 0o755);
  }
  for (const part of ["man", "docs", "examples", "LICENSE", ...documents()]) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest(parts), null, 2) + "\n");
  return folder;
}

const documents = () => readdirSync(root).filter((name) => name.endsWith(".md"));

if (import.meta.main) console.log(await pack());
