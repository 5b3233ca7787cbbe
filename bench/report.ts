/** The table: for people as Markdown, for machines as JSON. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Contender } from "./contender/contender.ts";
import { cores } from "./contender/serve.ts";
import type { Goal } from "./figures.ts";
import type { Sample } from "./measure/sample.ts";
import { summaryOf } from "./measure/statistics.ts";
import { table } from "./table.ts";

export interface Row {
  readonly figure: {
    readonly name: string;
    readonly says: string;
    readonly unit: string;
    readonly goal: Goal;
    readonly durable?: boolean;
    /** Others do not do the same there. */
    readonly alone?: true;
    readonly messageOctets?: number;
  };
  readonly cells: readonly Cell[];
}

export interface Taken extends Partial<Sample> {
  readonly value: number;
  /** The same of sessions that have just come, where `value` is that of sessions that have waited. */
  readonly come?: number;
}

export interface Cell {
  readonly contender: string;
  readonly kind: Contender["kind"];
  /** Or why there are none. */
  readonly samples: readonly Taken[] | string;
  /** For each message, in each run that was counted; null when there is nobody to count them. */
  readonly flushes?: readonly number[] | null | undefined;
}

export interface Table {
  readonly date: string;
  /** Of the machine, as the run began and as it ended: processes that wanted to run. */
  readonly loadAverage: readonly [number, number];
  readonly rounds: number;
  readonly seconds: number;
  /** The whole run, in seconds. */
  readonly lasted: number;
  /** Every process of a server counts; else those that somebody waited for. */
  readonly exact: boolean;
  readonly contenders: readonly Pick<Contender, "name" | "promise" | "kind">[];
  readonly rows: readonly Row[];
  /** Ours, before anybody came. */
  readonly processes: readonly Part[];
  readonly micro: readonly Part[];
}

/** What has no row of its own: measured once a round. */
export interface Part {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** Writes the table to bench/results/NAME.md. */
export function keep(table: Table, name: string): void {
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.md`), markdown(table));
}

export function markdown(run: Table): string {
  const names = run.contenders.map(({ name }) => name);
  const loaded = run.rows.filter(({ cells }) =>
    cells.some(({ samples }) => typeof samples !== "string" && samples[0]?.latency !== undefined),
  );
  return [
    "# Figures",
    "",
    `${run.date}, Node.js ${process.versions.node}, ${cpus()[0]?.model.trim()}, ${where()}; medians of ${run.rounds} runs of`,
    `${run.seconds} s in turn, lowest and highest in parentheses. The run took ${run.lasted} s; load average of the`,
    `machine: ${run.loadAverage.map(short).join(" before, ")} after.`,
    `Server CPU is user and system time of all of a server's processes${run.exact ? ", those that ended included" : " (no control groups here: children nobody waited for are missing)"}.`,
    "Rates and latencies depend on who else uses the machine; compare columns of one run.",
    "",
    ...run.contenders.map(({ name, promise }) => `- **${name}**: ${promise}`),
    "",
    "## Cost",
    "",
    "The best peer is the one that costs least and keeps what it took, itself: no proxy, no floor, and where mail is durable",
    "nobody who was never seen to flush. Beside what is durable: fsync, fdatasync and their like for each message, counted from",
    "outside, by perf where the kernel allows it, else by strace.",
    "",
    ...table(
      ["figure", "unit", "goal", names[0] ?? "", "to best peer", "to limit", ...names.slice(1)],
      run.rows.map(costLine),
    ),
    "",
    "## Pace",
    "",
    "Sessions a second (MB of messages where they are large); milliseconds, median and 99 of 100; how busy the load's core was.",
    "",
    ...table(
      ["figure", ...names],
      loaded.map(({ figure, cells }) => [
        figure.name,
        ...cells.map((cell) => paceOf(cell, figure.messageOctets)),
      ]),
    ),
    "",
    ...aloneLines(loaded),
    ...parts("## Parts by themselves", [...run.micro, ...handOver(run.rows)]),
    ...parts("## Our processes, idle, PSS", run.processes),
  ].join("\n");
}

function costLine({ figure, cells }: Row): string[] {
  const said = cells.map(medianOf);
  const own = cells.find(({ kind }) => kind === "ours");
  const mine = own && costOf(figure, own);
  const among = (kind: Contender["kind"], name?: string) =>
    cells
      .filter((cell) => cell.kind === kind && (name === undefined || cell.contender === name))
      .filter(({ flushes }) => kind !== "peer" || !flushes?.every((count) => count === 0))
      .flatMap((cell) => costOf(figure, cell) ?? [])
      .filter((cost) => cost > 0);
  const ratio = (others: readonly number[]) =>
    mine === undefined || figure.alone || others.length === 0
      ? "-"
      : `${(mine / Math.min(...others)).toPrecision(2)}`;
  return [
    `${figure.name}: ${figure.says}`,
    figure.unit,
    goalOf(figure.goal),
    said[0] ?? "",
    ratio(among("peer")),
    ratio(among("floor", "limit")),
    ...said.slice(1),
  ];
}

/** What is less where it is better. */
export function costOf({ goal }: { readonly goal: Goal }, { samples }: Cell): number | undefined {
  if (typeof samples === "string") return undefined;
  const { median } = summaryOf(samples.map(({ value }) => value));
  return "atLeast" in goal ? 1 / median : median;
}

const where = () =>
  cores === undefined ? "not pinned" : `server on core ${cores.server}, load on core ${cores.load}`;

/**
 * What it costs that another process does the handshake: the STARTTLS session less the one in clear, and less what the
 * same difference is where one process does it all.
 */
function handOver(rows: readonly Row[]): Part[] {
  const costs = (figure: string, name: string) => {
    const cells = rows.find((row) => row.figure.name === figure)?.cells;
    const samples = cells?.find(({ contender }) => contender === name)?.samples ?? [];
    return typeof samples === "string" ? [] : samples.map(({ value }) => value);
  };
  const [bareTls, bareClear] = [costs("5", "bare Node.js"), costs("hello", "bare Node.js")];
  const [tls, clear] = [costs("5", "acceptutils"), costs("hello", "acceptutils")];
  const values = tls.map((cost, at) => cost - clear[at]! - (bareTls[at]! - bareClear[at]!));
  const name = "UCSPI-TLS hand-over: 5 less hello, less the same of bare Node.js";
  return values.length === 0 || values.some(Number.isNaN) ? [] : [{ name, unit: "µs CPU", values }];
}

function parts(title: string, all: readonly Part[]): string[] {
  const lines = all.map(({ name, unit, values }) => [name, spreadOf(values), unit]);
  return all.length === 0 ? [] : [title, "", ...table(["part", "median", "unit"], lines), ""];
}

const goalOf = (goal: Goal) => ("atMost" in goal ? `≤ ${short(goal.atMost)}` : `≥ ${short(goal.atLeast)}`);

function medianOf(cell: Cell): string {
  if (typeof cell.samples === "string") return reasonOf(cell.samples);
  return `${spreadOf(cell.samples.map(({ value }) => value))}${flushesSaid(cell)}`;
}

function spreadOf(values: readonly number[]): string {
  const { median, lowest, highest } = summaryOf(values);
  return `**${short(median)}** (${short(lowest)}-${short(highest)})`;
}

/** Nothing where nothing is durable. */
export function flushesSaid({ flushes }: Cell): string {
  if (flushes === undefined) return "";
  if (flushes === null) return ", flushes not seen";
  const { median, lowest, highest } = summaryOf(flushes);
  const said = (value: number) => value.toPrecision(2);
  const spread = said(lowest) === said(highest) ? "" : ` (${said(lowest)}-${said(highest)})`;
  return `, ${said(median)}${spread} flushes`;
}

/** What was heard or why nothing was, short. OpenSSL's errors begin with numbers, and end with places in its sources. */
function reasonOf(failure: string): string {
  const words = failure
    .replace(/^(Error|Unexpected): /, "")
    .replace(/^\S*:SSL routines:\w*:([^:]*).*/s, "$1");
  return words.replace(/\s+/g, " ").trim().slice(0, 80);
}

/** The median of something in a contender's samples; NaN where there is none. */
export function middleOf(
  { samples }: Pick<Cell, "samples">,
  of: (sample: Partial<Sample>) => number | undefined,
): number {
  return typeof samples === "string" ? Number.NaN : summaryOf(samples.flatMap((one) => of(one) ?? [])).median;
}

function paceOf({ samples }: Cell, octets = 0): string {
  if (typeof samples === "string") return "-";
  const middle = (of: (sample: Partial<Sample>) => number | undefined) => middleOf({ samples }, of);
  const rate = middle((one) => one.sessionsPerSecond);
  const pace = octets > 1_000_000 ? `${short((rate * octets) / 1e6)} MB/s` : `${short(rate)}/s`;
  const [median, p99] = [middle((one) => one.latency?.median), middle((one) => one.latency?.p99)];
  return `${pace}; ${short(median)}, ${short(p99)} ms; ${short(100 * middle((one) => one.loadBusy))} %`;
}

/** What the load generator would do if nothing but itself held it up: sessions for a second of its core, at the limit. */
function aloneLines(rows: readonly Row[]): string[] {
  const said = rows.flatMap(({ figure, cells }) => {
    const limit = cells.find(({ contender }) => contender === "limit");
    if (!["1", "3", "8"].includes(figure.name) || limit === undefined || typeof limit.samples === "string")
      return [];
    const rates = limit.samples.flatMap(({ sessionsPerSecond, loadBusy }) =>
      sessionsPerSecond === undefined || loadBusy === undefined ? [] : sessionsPerSecond / loadBusy,
    );
    return rates.length === 0 ? [] : [`${figure.name}: ${short(summaryOf(rates).median)}/s`];
  });
  return said.length === 0
    ? []
    : [`The load generator alone, for each second of its core: ${said.join("; ")}.`, ""];
}

export const short = (value: number) =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
