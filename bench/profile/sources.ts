/** Where in src/ a line of the built program comes from: the bundler leaves the name above each file. */
import { readFileSync } from "node:fs";
import { partsOfBundle } from "../../tools/bundle.ts";
import { root } from "../../tools/steps.ts";
import { type Frame, isOurs, type Sample, scriptOf } from "./samples.ts";

interface Beginning {
  readonly line: number;
  readonly source: string;
}

/** The lines `// src/…` of the built program, in their order; lines count from 1. */
export function beginningsIn(bundle: string): Beginning[] {
  const lines = bundle.split("\n");
  return lines.flatMap((text, at) => {
    const [, source] = /^\/\/ (src\/\S+)$/.exec(text) ?? [];
    return source === undefined ? [] : [{ line: at + 1, source }];
  });
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
