/**
 * What was gained stays: for each figure the best ratio of our cost to a peer's or to bare Node.js, in one run, is kept
 * in bench/results/kept.json. `npm run bench -- --keep` writes it, `--check` fails when a run is worse.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { summaryOf } from "./measure/statistics.ts";
import { costOf, type Row } from "./report.ts";

/** By figure, then by contender: our cost divided by theirs. */
export type Kept = Record<string, Record<string, number>>;

const file = join(import.meta.dirname, "results", "kept.json");
/** Ratios move by so much from run to run, on a machine that others use; what the clock says moves more. */
const toleranceOf = (unit: string) => (/^(ms|per second|of Postfix's)$|\/s$/.test(unit) ? 1.6 : 1.3);

export function ratiosOf(rows: readonly Row[]): Kept {
  const ratios: Kept = {};
  for (const { figure, cells } of rows) {
    const own = cells.find(({ kind }) => kind === "ours");
    const mine = own === undefined ? undefined : costOf(figure, own);
    if (mine === undefined || mine <= 0) continue;
    for (const cell of cells) {
      const theirs = cell.kind === "ours" ? undefined : costOf(figure, cell);
      if (theirs === undefined || theirs <= 0) continue;
      ratios[figure.name] ??= {};
      ratios[figure.name]![cell.contender] = Number((mine / theirs).toPrecision(3));
    }
  }
  return ratios;
}

/** Of a figure that is not what it was: one line. */
export interface Loss {
  readonly figure: string;
  readonly line: string;
}

/** Figures that are worse than they were beside half of those or more that they can be compared with, or not there. */
export function losses(rows: readonly Row[], kept = read()): Loss[] {
  const ratios = ratiosOf(rows);
  return rows.flatMap((row) => {
    const figure = row.figure.name;
    const why = lossOf(row, ratios[figure] ?? {}, kept[figure]);
    return why === undefined ? [] : [{ figure, line: `figure ${figure} ${why}` }];
  });
}

type Ratios = Readonly<Record<string, number>>;

function lossOf({ figure, cells }: Row, now: Ratios, before: Ratios | undefined): string | undefined {
  const own = cells.find(({ kind }) => kind === "ours");
  if (own === undefined || typeof own.samples === "string") return `was not measured: ${own?.samples}`;
  if (before === undefined) return Object.keys(now).length > 0 ? "is not kept yet: --keep" : undefined;
  const common = Object.keys(now).filter((name) => before[name] !== undefined);
  if (common.length === 0) return `has nobody beside it who is kept: ${Object.keys(before).join(", ")}`;
  // A peer's bad moment is not our loss, nor its good one: it takes half of the field to see us fall back.
  const worse = common.filter((name) => now[name]! > before[name]! * toleranceOf(figure.unit));
  if (worse.length < Math.ceil(common.length / 2)) return undefined;
  const said = worse.map((name) => `${now[name]} of ${name}'s, kept ${before[name]}`);
  return `costs more than it did: ${said.join("; ")}`;
}

/** A figure whose goal is missed, or that was not measured. */
export function missed(rows: readonly Row[], names: ReadonlySet<string>): Loss[] {
  return rows.flatMap(({ figure, cells }) => {
    const loss = (why: string) => [{ figure: figure.name, line: `figure ${figure.name} ${why}` }];
    const own = names.has(figure.name) ? cells.find(({ kind }) => kind === "ours") : undefined;
    if (own === undefined) return [];
    if (typeof own.samples === "string") return loss(`was not measured: ${own.samples}`);
    const value = summaryOf(own.samples.map((sample) => sample.value)).median;
    const { goal } = figure;
    const isGood = "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
    return isGood ? [] : loss(`misses its goal: ${value.toPrecision(3)} ${figure.unit}`);
  });
}

/** Keeps the better of what was kept and this run. */
export function keepRatios(rows: readonly Row[]): void {
  const kept = read();
  for (const [figure, now] of Object.entries(ratiosOf(rows))) {
    const before = kept[figure] ?? {};
    for (const [name, ratio] of Object.entries(now)) before[name] = Math.min(ratio, before[name] ?? ratio);
    kept[figure] = before;
  }
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
}

const read = (): Kept => (existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept) : {});
