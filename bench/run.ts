/**
 * `npm run bench`: the same work, on this machine, in one run, for us and for what a user would take instead.
 *
 *     npm run bench                          every figure, everyone who is installed (bench/setup installs them)
 *     npm run bench -- --quick               the main figures and peers, a minute
 *     npm run bench -- --only 1,3            these figures
 *     npm run bench -- --peers Postfix,limit us and these
 *     npm run bench -- --json                for machines
 *     npm run bench -- --check               fails where we have fallen back behind bench/results/kept.json
 *     npm run bench -- --keep                keeps the better ratios of this run there
 *
 * Servers run on one core and the load on another, in turn, at least five times. What counts is the server's CPU for
 * one session or message; rates depend on who else uses the machine. The table is kept in bench/results/.
 */
import { loadavg } from "node:os";
import { noCompiler } from "./contender/compile.ts";
import { partRows, withDerived } from "./derived.ts";
import { keepRatios, losses, missed } from "./kept.ts";
import { newGroup } from "./measure/group.ts";
import { summaryOf } from "./measure/statistics.ts";
import { Measurer } from "./measurer.ts";
import { microFigures } from "./micro.ts";
import { readOptions } from "./options.ts";
import { flushesSaid, keep, markdown, type Row, type Table } from "./report.ts";
import { Stage } from "./stage.ts";

const options = readOptions();
const lacking = noCompiler();
if (lacking !== undefined) {
  console.error(`bench: the load generator ${lacking}`);
  process.exit(1);
}
const stage = new Stage();
const measurer = new Measurer(stage, options);
try {
  await measureAll();
} finally {
  await stage.clear();
}

async function measureAll(): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  await measurer.begin();
  const micro = options.micro ? microFigures(options.rounds) : [];
  const measured = async (row: Parameters<Measurer["row"]>[0]) => {
    const known = await measurer.row(row);
    if (!options.json) note(known);
    return known;
  };
  // Memory first, before load has left its traces in it.
  const plain: Row[] = [];
  for (const row of options.plain) if (!row.late) plain.push(await measured(row));
  if (!options.quick && options.loaded[0] !== undefined) await measurer.age(options.loaded[0]);
  const loaded: Row[] = [];
  for (const figure of options.loaded) loaded.push(await measured(figure));
  for (const row of options.plain) if (row.late) plain.push(await measured(row));
  const rows = withDerived([...loaded, ...plain]);
  const probe = newGroup();
  const table: Table = {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    loadAverage: [loadBefore, loadavg()[0] ?? 0],
    rounds: options.rounds,
    seconds: options.seconds,
    lasted: Math.round(performance.now() / 1000),
    exact: probe.exact,
    contenders: options.contenders.map(({ name, promise, kind }) => ({ name, promise, kind })),
    rows,
    processes: [...measurer.idle].map(([name, values]) => ({ name, unit: "KiB", values })),
    micro,
  };
  await probe.end();
  console.log(options.json ? JSON.stringify(table, null, 2) : `\n${markdown(table)}`);
  if (options.whole) keep(table, options.quick ? "quick" : "full");
  if (options.check) {
    const firm = new Set(options.plain.filter((row) => row.firm).map(({ name }) => name));
    const lossesOf = (all: readonly Row[]) => [...losses(all), ...missed(all, firm)];
    // Losses must be seen twice: others use the machine, and one moment of theirs is not our loss.
    const suspects = lossesOf([...rows, ...partRows(micro)]).map(({ figure }) => figure);
    const isSuspect = ({ name }: { name: string }) =>
      suspects.some((one) => one.split(" ")[0] === name.split(" ")[0]);
    const again: Row[] = [];
    for (const row of [...options.loaded, ...options.plain].filter(isSuspect))
      again.push(await measured(row));
    const all = withDerived(again);
    if (partRows(micro).some(({ figure }) => suspects.includes(figure.name)))
      all.push(...partRows(microFigures(options.rounds)));
    const lost = lossesOf(all.filter(({ figure }) => suspects.includes(figure.name))).map(({ line }) => line);
    for (const line of lost) console.error(`bench: ${line}`);
    if (lost.length > 0) process.exitCode = 1;
  }
  if (options.keep) keepRatios([...rows, ...partRows(micro)]);
}

/** What came of it, as it comes. */
function note({ figure, cells }: Row): void {
  console.log(`${figure.name.padEnd(12)} ${figure.says} (${figure.unit})`);
  for (const cell of cells) {
    const { contender, samples } = cell;
    const values = typeof samples === "string" ? [] : samples.map(({ value }) => value);
    const said =
      typeof samples === "string"
        ? samples
        : `${summaryOf(values).median.toPrecision(3)} of ${values.map((value) => value.toPrecision(3)).join(" ")}`;
    console.log(`             ${contender}: ${said}${flushesSaid(cell)}`);
  }
}
