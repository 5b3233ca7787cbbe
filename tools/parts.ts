/**
 * The program in parts, in one file that tools/app.cjs reads: what a process never runs it does not load. esbuild says
 * what a part is: what some programs need and others do not. The file has
 *
 *     the sources, to be read by people too: traces name their lines
 *     the code of each, compiled by V8
 *     where these are, as JSON, and how long that is, in 8 digits
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { Script } from "node:vm";

/** A module of ES as esbuild writes it: its imports come first, and one export last. */
export interface Module {
  readonly name: string;
  readonly text: string;
}

/** What is run first. */
const program = "main.js";

/** Offset and octets of something in the file. */
type Range = readonly [at: number, octets: number];

/**
 * What is to be written to `file`. All modules are run here but the program itself, main.js, so that their
 * code has in it what they do when they are loaded. Throws when one is written in a way that is not known here.
 */
export function partsFile(file: string, modules: readonly Module[]): Buffer {
  const parts = modules.map(({ name, text }) => {
    const source = asFunction(name, text);
    return { name, source, script: new Script(source) };
  });
  load(file, new Map(parts.map(({ name, script }) => [name, script])));
  const written: Buffer[] = [];
  let octets = 0;
  const add = (bytes: Buffer): Range => {
    written.push(bytes);
    octets += bytes.length;
    return [octets - bytes.length, bytes.length];
  };
  const sources = parts.map(({ source }) => add(Buffer.from(source, "latin1")));
  const code = parts.map(({ script }) => add(script.createCachedData()));
  let line = 0;
  const index = parts.map(({ name, source }, at) => {
    const before = line;
    line += source.split("\n").length - 1;
    return [name, { source: sources[at], code: code[at], line: before }] as const;
  });
  const [, length] = add(Buffer.from(JSON.stringify(Object.fromEntries(index)), "latin1"));
  add(Buffer.from(String(length).padStart(8, "0")));
  return Buffer.concat(written);
}

function load(file: string, scripts: ReadonlyMap<string, Script>): void {
  const require = createRequire(import.meta.url);
  const loaded = new Map<string, unknown>();
  const part = (name: string): unknown => {
    if (!loaded.has(name))
      loaded.set(name, scripts.get(name)!.runInThisContext()(require, part, file, dirname(file)));
    return loaded.get(name);
  };
  for (const name of scripts.keys()) if (name !== program) part(name);
}

/**
 * A function that returns what the module exports. What it imports becomes a constant, as no module of ours changes what
 * it exports; nor does one do anything when it is loaded, so one of which nothing is imported is left out.
 */
function asFunction(name: string, text: string): string {
  const body = inAscii(text)
    .replace(/^import "[^"]+";\n/gm, "")
    .replace(
      /^import ([\w$]+|\* as [\w$]+|\{[^}]+\}) from "([^"]+)";$/gm,
      (_, names: string, from: string) => {
        const bound = names.replace("* as ", "").replaceAll(" as ", ": ");
        return `const ${bound} = ${loading(from)};`;
      },
    )
    .replace(/\bimport\("([^"]+)"\)/g, (_, from: string) => `Promise.resolve().then(() => ${loading(from)})`)
    .replace(/^export \{([^}]+)\};$/m, (_, names: string) => {
      return `return {${names.replaceAll(/([\w$]+) as ([\w$]+)/g, "$2: $1")}};`;
    })
    .replace(/^export default (.+);$/m, "return { default: $1 };");
  const unknown = /^(?:import|export)\b.*/m.exec(body);
  if (unknown !== null) throw new Error(`${name}: ${unknown[0]}`);
  return `(function (require, part, __filename, __dirname) { "use strict";\n${body}})\n`;
}

const loading = (from: string) => (from.startsWith("./") ? `part("${from.slice(2)}")` : `require("${from}")`);

/** Node.js holds a source in twice its octets when one character of it is not ASCII; the last are in comments. */
const inAscii = (source: string) =>
  source.replace(/[^\x00-\x7f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
