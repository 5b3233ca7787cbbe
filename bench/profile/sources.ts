/** Where in src/ a line of the built program comes from: the bundler leaves the name above each file. */
import { readFileSync } from "node:fs";
import { partsOfBundle } from "../../tools/bundle.ts";
import { root } from "../../tools/steps.ts";
import { type Frame, isOurs, type Sample, scriptOf } from "./samples.ts";

interface Beginning {
  readonly line: number;
  readonly source: string;
}

/** The lines `// src/…` of the built program, in their order, and where a part begins, by its last file; lines count from 1. */
export function beginningsIn(bundle: string): Beginning[] {
  const found: Beginning[] = [];
  let part: { line: number; source: string } | undefined;
  for (const [at, text] of bundle.split("\n").entries()) {
    const [, source] = /^\/\/ (src\/\S+)$/.exec(text) ?? [];
    if (text.startsWith("(function (require, part,")) {
      part = { line: at + 1, source: "(a part without a file of ours)" };
      found.push(part);
    } else if (source !== undefined) {
      if (part !== undefined) part.source = source; // what it is made for comes last
      found.push({ line: at + 1, source });
    }
  }
  return found;
}

let known: readonly Beginning[] | undefined;

/** The innermost function of ours in a stack: `name, src/….ts`. Undefined where there is none. */
export function ourFunctionIn({ stack }: Pick<Sample, "stack">): string | undefined {
  const script = stack.map((frame: Frame) => scriptOf(frame)).find((one) => one && isOurs(one));
  if (script === undefined) return undefined;
  known ??= beginningsIn(readFileSync(partsOfBundle() ?? "", "latin1"));
  const inBundle = script.file.endsWith(".parts");
  const source = inBundle ? known.findLast(({ line }) => line <= script.line)?.source : undefined;
  // A file that is loaded where it is needed is a function that has its name.
  const name = script.name === source ? "(the file itself)" : script.name || "(anonymous)";
  return `${name}, ${source ?? script.file.replace(`${root}/`, "")}`;
}
