/** Rows that say something of a figure's samples that its cost does not. */
import { type Cell, middleOf, type Part, type Row } from "./report.ts";

/**
 * Each row, and what its samples say besides. Of figure 12, as its goal has it: how few flushes many clients need, and how
 * many messages a second they get. Of sessions that waited: what they took when they had just come.
 */
export const withDerived = (rows: readonly Row[]): Row[] => rows.flatMap((row) => [row, ...derivedFrom(row)]);

function derivedFrom(row: Row): Row[] {
  if (row.figure.name === "12") return [flushes(row), rates(row)];
  return row.cells.some((cell) => arrivals(cell).length > 0) ? [come(row)] : [];
}

/** Parts by themselves beside the first of them, a loop that nobody changes: what was gained in them is kept by that. */
export function partRows([reference, ...parts]: readonly Part[]): Row[] {
  if (reference === undefined) return [];
  const samples = ({ values }: Part) => values.map((value) => ({ value }));
  const beside: Cell = { contender: reference.name, kind: "floor", samples: samples(reference) };
  const isPace = ({ unit }: Part) => unit.endsWith("/s");
  return parts.filter(isPace).map((part) => ({
    figure: { name: part.name, says: "by itself", unit: part.unit, goal: { atLeast: 0 } },
    cells: [{ contender: "acceptutils", kind: "ours", samples: samples(part) }, beside],
  }));
}

const flushes = ({ cells }: Row): Row => ({
  figure: { name: "12 flushes", says: "the same, of each message", unit: "flushes", goal: { atMost: 0.1 } },
  cells: cells.map((cell) => derived(cell, cell.flushes ?? [])),
});

function rates({ cells }: Row): Row {
  const postfix = cells.find(({ contender }) => contender === "Postfix");
  const unit = (postfix && middleOf(postfix, (one) => one.sessionsPerSecond)) ?? Number.NaN;
  const values = ({ samples }: Cell) =>
    typeof samples === "string" || Number.isNaN(unit)
      ? []
      : samples.flatMap(({ sessionsPerSecond = Number.NaN }) => sessionsPerSecond / unit);
  return {
    figure: {
      name: "12 rate",
      says: "the same, messages a second",
      unit: "of Postfix's",
      goal: { atLeast: 3 },
    },
    cells: cells.map((cell) => derived(cell, values(cell))),
  };
}

const come = ({ figure: { name, unit, goal }, cells }: Row): Row => ({
  figure: { name: `${name} come`, says: "the same, just after they came", unit, goal },
  cells: cells.map((cell) => derived(cell, arrivals(cell))),
});

const arrivals = ({ samples }: Cell) =>
  typeof samples === "string" ? [] : samples.flatMap(({ come }) => come ?? []);

const derived = ({ contender, kind }: Cell, values: readonly number[]): Cell => ({
  contender,
  kind,
  samples: values.length === 0 ? "-" : values.map((value) => ({ value })),
});
