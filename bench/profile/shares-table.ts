/** The shares of all figures: kept as JSON, so that one can be made anew, and shown as Markdown. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { table } from "../table.ts";
import { kinds } from "./kinds.ts";
import { recordable } from "./recording.ts";
import type { Percents, Shares } from "./shares.ts";

export interface Kept extends Shares {
  readonly figure: string;
  readonly date: string;
}

const folder = join(import.meta.dirname, "..", "results");
const json = join(folder, "shares.json");
export const sharesFile = join(folder, "shares.md");

/** Puts one figure beside those that are kept, and writes both files. */
export function keepShares(figure: string, shares: Shares): void {
  const before = existsSync(json) ? (JSON.parse(readFileSync(json, "utf8")) as readonly Kept[]) : [];
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  const all = [...before.filter((one) => one.figure !== figure), { figure, date, ...shares }];
  const kept = all.sort((a, b) => recordable.indexOf(a.figure) - recordable.indexOf(b.figure));
  writeFileSync(json, `${JSON.stringify(kept, null, 2)}\n`);
  writeFileSync(sharesFile, sharesMarkdown(kept));
}

export function sharesMarkdown(kept: readonly Kept[]): string {
  const names = kept.map(({ figure }) => figure);
  /** Without rows that are nothing everywhere. */
  const lines = (of: (shares: Shares) => Percents, rows: readonly string[]) =>
    rows
      .filter((row) => kept.some((shares) => (of(shares)[row] ?? 0) >= 0.5))
      .map((row) => [row, ...kept.map((shares) => cell(of(shares)[row]))]);
  const roles = [...new Set(kept.flatMap(({ processes }) => Object.keys(processes)))];
  return [
    "# Shares of the CPU",
    "",
    "`npm run profile -- --shares`: what perf saw of all our processes, in per cent of each figure's samples; `-` is none at all,",
    "and a row that has not half of one anywhere is left out. Loaded figures are seen for four seconds after eight of load, `start`",
    "and `13` from the first instruction. What V8 does for JavaScript counts for who called it.",
    "",
    "## By kind",
    "",
    ...table(
      ["", ...names],
      lines(({ kinds: found }) => found, kinds),
    ),
    "",
    "## By process",
    "",
    ...table(
      ["", ...names],
      lines(({ processes }) => processes, roles),
    ),
    "",
    "## Each figure",
    "",
    "The ten functions of ours that cost most, in per cent of all, with what they asked the platform for; a function that V8 inlined",
    "counts for its caller. For `start` and `13` they are of a second recording: names make Node.js compile more. Then the kinds of",
    "each process that has five per cent, in per cent of all, too; without those that have not one in any of them.",
    ...kept.flatMap((shares) => [
      "",
      `### ${shares.figure}: ${shares.says}`,
      "",
      `${shares.date}, ${shares.samples.toLocaleString("en")} samples, ${shares.seen} meanwhile.`,
      "",
      ...table(
        ["%", "function", "file"],
        Object.entries(shares.functions).map(([place, percent]) => {
          const [called = "", file = ""] = place.split(", ");
          return [percent.toFixed(1), `\`${called}\``, `\`${file}\``];
        }),
      ),
      ...processKindsTable(shares),
    ]),
    "",
  ].join("\n");
}

/** The kinds of each process; no lines where they are not known. */
function processKindsTable({ processes, processKinds = {} }: Shares): string[] {
  const shown = Object.entries(processKinds);
  if (shown.length === 0) return [];
  const line = (name: string, percents: readonly (number | undefined)[]) => [
    name,
    ...percents.map((percent) => percent?.toFixed(1) ?? "-"),
  ];
  return [
    "",
    ...table(
      ["%", ...shown.map(([role]) => role)],
      [
        line(
          "all",
          shown.map(([role]) => processes[role]),
        ),
        ...kinds
          .filter((kind) => shown.some(([, found]) => kind in found))
          .map((kind) =>
            line(
              kind,
              shown.map(([, found]) => found[kind]),
            ),
          ),
      ],
    ),
  ];
}

const cell = (percent: number | undefined) => (percent === undefined ? "-" : percent.toFixed(0));
