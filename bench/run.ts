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
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Contender } from "./contender/contender.ts";
import { type Figure, figures } from "./figures.ts";
import { keepRatios, losses, missed } from "./kept.ts";
import { flushesDuring } from "./measure/flushes.ts";
import { newGroup } from "./measure/group.ts";
import { processesOf } from "./measure/memory.ts";
import { load, planOf, type Sample, sampleOf } from "./measure/sample.ts";
import { microFigures } from "./micro.ts";
import { contenders } from "./peers/table.ts";
import { type Cell, keep, markdown, type Row, type Table } from "./report.ts";
import { type Plain, plainRows } from "./rows.ts";
import { Stage, type Up } from "./stage.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    only: { type: "string" },
    peers: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
  },
});
const rounds = Number(values.rounds ?? 5);
const seconds = Number(values.seconds ?? (values.quick ? 0.15 : 0.3));
/** Who is idle gives memory back after half a minute. */
const restSeconds = 40;
const names = values.only?.split(",");
const plain = plainRows(1000);
const unknown = [
  ...(names ?? []).filter(
    (name) => ![...figures, ...plain, { name: "micro" }].some((one) => one.name === name),
  ),
  ...(values.peers?.split(",") ?? []).filter((name) => !contenders.some((one) => one.name === name)),
];
if (unknown.length > 0) {
  console.error(`bench: no such figure or peer: ${unknown.join(", ")}
figures: ${[...figures, ...plain].map(({ name }) => name).join(", ")}, micro
peers: ${contenders.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const wanted = ({ name, quick }: { name: string; quick: boolean }) =>
  names === undefined ? !values.quick || quick : names.includes(name);
const chosen = contenders.filter(({ name, kind, quick }) => {
  if (kind === "ours") return true;
  return values.peers === undefined
    ? !values.quick || quick === true
    : values.peers.split(",").includes(name);
});

/** A round that costs less than this share of the best before it has gained something. */
const worthwhile = 0.95;
const roundsInVain = 2;
const agingSeconds = 10;
const warmingSeconds = Math.max(seconds, values.quick ? 0 : 0.5);
/** V8 takes some thousand sessions; what is measured for a minute only must be content with less. */
const [warmingRounds, warmingSessions] = values.quick ? [4, 0] : [5, 1500];

const stage = new Stage();
const servers = new Map<Contender, Up | string>();
try {
  await measureAll();
} finally {
  await stage.clear();
}

async function measureAll(): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  for (const contender of chosen) servers.set(contender, await stage.enter(contender));
  if (plain.some((row) => row.name === "14" && wanted(row))) await pause(restSeconds * 1000);
  const first = servers.get(contenders[0]!);
  const processes = first === undefined || typeof first === "string" ? [] : processesOf(first);
  const rows: Row[] = [];
  // Memory first, before load has left its traces in it.
  for (const row of plain.filter(wanted)) rows.push(await looked(row));
  if (!values.quick) await age(figures.find(wanted));
  const loaded: Row[] = [];
  for (const figure of figures.filter(wanted)) loaded.push(await measured(figure));
  rows.unshift(...loaded);
  const probe = newGroup();
  const table: Table = {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    loadAverage: [loadBefore, loadavg()[0] ?? 0],
    rounds,
    seconds,
    exact: probe.exact,
    contenders: chosen.map(({ name, promise, kind }) => ({ name, promise, kind })),
    rows,
    processes,
    micro: names === undefined || names.includes("micro") ? await microFigures() : [],
  };
  await probe.end();
  console.log(values.json ? JSON.stringify(table, null, 2) : `\n${markdown(table)}`);
  if (names === undefined && values.peers === undefined) keep(table, values.quick ? "quick" : "full");
  if (values.check) {
    const firm = new Set(plain.filter((row) => row.firm).map(({ name }) => name));
    const lost = [...(await confirmed(rows)), ...missed(rows, firm)];
    for (const line of lost) console.error(`bench: ${line}`);
    if (lost.length > 0) process.exitCode = 1;
  }
  if (values.keep) keepRatios(rows);
}

/** Losses that are seen twice: others use the machine, and one moment of theirs is not our loss. */
async function confirmed(rows: readonly Row[]): Promise<string[]> {
  const suspects = new Set(losses(rows).map(({ figure }) => figure));
  const again: Row[] = rows.filter(
    ({ figure }) => suspects.has(figure.name) && !figures.some(({ name }) => name === figure.name),
  );
  for (const figure of figures) if (suspects.has(figure.name)) again.push(await measured(figure));
  return losses(again).map(({ line }) => line);
}

/** Who compiles itself goes on doing so for ten seconds of work and more, whatever the work: that is done once. */
async function age(figure: Figure | undefined): Promise<void> {
  if (figure === undefined) return;
  for (const [contender, server] of servers) {
    if (contender.compiles !== true || gap(figure, contender, server) !== undefined) continue;
    // Who fails here fails again where it is told.
    await sampleOf(figure, server as Up, agingSeconds).catch(() => {});
  }
}

/** Why this figure is not measured here; undefined when it is. */
function gap(figure: Figure, contender: Contender, server: Up | string): string | undefined {
  if (typeof server === "string") return server;
  if (figure.oursAlone && contender.kind !== "ours") return "-";
  if (!server.doors.has(figure.door)) return "-";
  return figure.tls ? server.clearOnly : undefined;
}

/** One figure: all contenders in turn, again and again. */
async function measured(figure: Figure): Promise<Row> {
  const samples = new Map<Contender, Sample[] | string>();
  for (const [contender, server] of servers) {
    const reason = gap(figure, contender, server);
    samples.set(contender, reason ?? (await warm(figure, server as Up, contender)));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [contender, taken] of samples) {
      if (typeof taken === "string") continue;
      try {
        taken.push(await sampleOf(figure, servers.get(contender) as Up, seconds));
      } catch (error) {
        samples.set(contender, (error as Error).message);
      }
    }
  }
  const cells: Cell[] = [];
  for (const [contender, taken] of samples) {
    const counted = typeof taken !== "string" && figure.durable;
    const flushes = counted ? await flushesEach(figure, servers.get(contender) as Up) : undefined;
    cells.push({ contender: contender.name, kind: contender.kind, samples: taken, flushes });
  }
  const row: Row = { figure, cells };
  note(row);
  return row;
}

/** A server that runs for days is measured, not one that has just started: until rounds get no cheaper. */
async function warm(figure: Figure, server: Up, { compiles }: Contender): Promise<Sample[] | string> {
  try {
    // One client first: passwords that are new to a server are checked by and by.
    await sampleOf({ ...figure, clients: 1 }, server, 0.05);
    let best = Number.POSITIVE_INFINITY;
    let sessions = 0;
    const most = compiles === true ? warmingRounds : 1;
    for (let round = 0, inVain = 0; round < most; round++) {
      if (inVain >= roundsInVain && sessions >= warmingSessions) break;
      const { serverBusy, sessionsPerSecond } = await sampleOf(figure, server, warmingSeconds);
      const cost = serverBusy / sessionsPerSecond;
      sessions += sessionsPerSecond * warmingSeconds;
      inVain = cost < best * worthwhile ? 0 : inVain + 1;
      best = Math.min(best, cost);
    }
    return [];
  } catch (error) {
    return (error as Error).message;
  }
}

/** Flushes for one message, counted in a run of its own. Null when nobody can count. */
async function flushesEach(figure: Figure, server: Up): Promise<number | null | undefined> {
  let messages = 0;
  try {
    const counted = await flushesDuring(server.group.pids(), async () => {
      const told = await load(planOf(figure, server, { seconds: Math.min(0.3, seconds) }));
      messages = told.sessions * figure.each;
    });
    return counted === undefined ? null : counted / messages;
  } catch {
    return undefined;
  }
}

/** What is not a matter of load. */
async function looked(row: Plain): Promise<Row> {
  const cells: Cell[] = [];
  for (const [contender, server] of servers) {
    const value =
      typeof server === "string"
        ? server
        : await Promise.resolve(row.of(server, contender)).catch((error: Error) => error.message);
    if (row.leavesTraces && typeof server !== "string" && value !== undefined) {
      await server.leave();
      servers.set(contender, await stage.enter(contender));
    }
    const samples = typeof value === "number" ? [{ value }] : (value ?? "-");
    cells.push({ contender: contender.name, kind: contender.kind, samples });
  }
  const known: Row = { figure: row, cells };
  note(known);
  return known;
}

/** What came of it, as it comes. */
function note({ figure, cells }: Row): void {
  if (values.json) return;
  console.log(`${figure.name.padEnd(12)} ${figure.says} (${figure.unit})`);
  for (const { contender, samples, flushes } of cells) {
    const said =
      typeof samples === "string" ? samples : samples.map(({ value }) => value.toPrecision(3)).join(" ");
    const counted = typeof flushes === "number" ? `, ${flushes.toPrecision(2)} flushes` : "";
    console.log(`             ${contender}: ${said}${counted}`);
  }
}
