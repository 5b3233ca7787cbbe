/** The table: for people as Markdown, for machines as JSON. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { cores } from "./contenders/contender.ts";
import type { Sample } from "./measure/sample.ts";
import { summaryOf } from "./measure/statistics.ts";

export interface Row {
  readonly figure: {
    readonly name: string;
    readonly says: string;
    readonly unit: string;
    readonly goal: { readonly atMost: number } | { readonly atLeast: number };
  };
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly contender: string;
  /** Or why there are none. */
  readonly samples: readonly (Pick<Sample, "value"> & Partial<Sample>)[] | string;
  /** For each message. */
  readonly flushes: number | undefined;
}

export interface Table {
  readonly rows: readonly Row[];
  readonly contenders: readonly { readonly name: string; readonly promise: string }[];
  readonly rounds: number;
  readonly seconds: number;
}

/** Writes the table to bench/results/NAME.md. */
export function keep(table: Table, name: string): void {
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.md`), markdown(table));
}

export function markdown(table: Table): string {
  return [
    "# Figures",
    "",
    `${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}, ${cpus()[0]?.model.trim()}, ${where()};`,
    `medians of ${table.rounds} runs of ${table.seconds} s in turn, lowest and highest in parentheses. Server CPU is user`,
    "and system time of all of a server's processes. Rates and latencies depend on who else uses the machine.",
    "",
    ...table.contenders.map(({ name, promise }) => `- **${name}**: ${promise}`),
    "",
    "## Server CPU",
    "",
    line(["figure", "unit", "goal", ...table.contenders.map(({ name }) => name)]),
    line(["---", "---", "---", ...table.contenders.map(() => "---")]),
    ...table.rows.map(({ figure, cells }) =>
      line([`${figure.name}: ${figure.says}`, figure.unit, goalOf(figure.goal), ...cells.map(costOf)]),
    ),
    "",
    "## Sessions a second; milliseconds, median and 99 of 100; flushes a message; how busy the load's core was",
    "",
    line(["figure", ...table.contenders.map(({ name }) => name)]),
    line(["---", ...table.contenders.map(() => "---")]),
    ...table.rows
      .filter(({ cells }) => cells.some(({ samples }) => typeof samples !== "string" && samples[0]?.latency))
      .map(({ figure, cells }) => line([figure.name, ...cells.map(paceOf)])),
    "",
  ].join("\n");
}

const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

const where = () =>
  cores === undefined ? "not pinned" : `server on core ${cores.server}, load on core ${cores.load}`;

const goalOf = (goal: Row["figure"]["goal"]) =>
  "atMost" in goal ? `≤ ${short(goal.atMost)}` : `≥ ${short(goal.atLeast)}`;

function costOf({ samples }: Cell): string {
  if (typeof samples === "string") return samples;
  const { median, lowest, highest } = summaryOf(samples.map(({ value }) => value));
  if (samples.length === 1) return short(median);
  return `**${short(median)}** (${short(lowest)}-${short(highest)})`;
}

function paceOf({ samples, flushes }: Cell): string {
  if (typeof samples === "string") return samples;
  const middle = (of: (sample: Partial<Sample>) => number | undefined) =>
    short(summaryOf(samples.flatMap((sample) => of(sample) ?? [])).median);
  const parts = [
    `${middle((one) => one.sessionsPerSecond)}/s`,
    `${middle((one) => one.latency?.median)}, ${middle((one) => one.latency?.p99)} ms`,
    ...(flushes === undefined ? [] : [`${flushes.toPrecision(2)} fl`]),
    `${middle((one) => (one.loadBusy ?? 0) * 100)} %`,
  ];
  return parts.join("; ");
}

const short = (value: number) =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
