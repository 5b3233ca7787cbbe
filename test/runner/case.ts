/** The shape of the golden files. What the words mean: test/golden/README.md. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What was done, or what was seen. A list of them is a transcript. */
export type Step =
  | { readonly send: string; readonly accepted?: number }
  | { readonly send_repeat: { readonly text: string; readonly count: number; readonly then?: string } }
  | { readonly expect: string }
  | { readonly shutdown: true }
  | { readonly close: true }
  | { readonly wait_ms: number }
  | { readonly eof: true }
  | { readonly busy: true }
  | { readonly starttls: true; readonly protocol: string; readonly cipher: string }
  | {
      readonly tls: true;
      readonly control_read?: string;
      readonly env_block?: string;
      readonly control_close?: true;
    };

/** A stand-in's part; test/stubs/stand-in.pl plays it. */
export type Part = { readonly [word: string]: unknown };

export type Parts = Part | readonly Part[] | { readonly programs: Readonly<Record<string, Part>> };

/** What a stand-in saw, in one run. */
export interface Run {
  readonly program: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly received?: string;
  readonly received_omitted?: true;
  readonly saw_eof?: true;
  readonly fd3?: string;
  readonly message?: string;
  readonly envelope?: string;
}

/** What is compared. */
export interface Outcome {
  readonly steps: readonly Step[];
  readonly exit?: number | null;
  readonly signal?: string;
  readonly state?: string;
  readonly stderr?: string;
  readonly child_runs?: readonly Run[];
  readonly files_after?: Readonly<Record<string, string>>;
}

export interface Case extends Outcome {
  readonly name: string;
  readonly program: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly control: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly child?: Parts;
  readonly ucspitls?: {
    readonly env_block?: string;
    readonly omit?: readonly string[];
    readonly override?: Readonly<Record<string, string>>;
  };
  readonly qq?: { readonly message: string; readonly envelope: string };
  readonly dns?: Readonly<Record<string, string>>;
  readonly run_as?: string;
  readonly topic?: string;
  readonly bug?: true;
  readonly measured?: Measured;
  readonly explanation?: string;
}

/** What the original needed, in a case that has no steps. */
export interface Measured {
  readonly requests: number;
  readonly request: string;
  readonly reply: string;
  /** KiB for so many requests. */
  readonly resident_growth_kib: number;
}

/** The cases of test/golden/NAME.json. */
export function casesOf<Shape = Case>(name: string): readonly Shape[] {
  return JSON.parse(readFileSync(join(root, "test", "golden", `${name}.json`), "utf8")) as Shape[];
}
