/**
 * `npm run bench`: the same work, on this machine, in one run, for us and for what a user would take instead.
 *
 *     npm run bench                        every figure, everyone who is installed (bench/setup installs them)
 *     npm run bench -- 1 3 5               these figures
 *     npm run bench -- --only acceptutils  this contender
 *     npm run bench -- --quick             a minute; --json for machines
 *
 * Servers run on one core and the load on another, in turn, at least five times. What counts is the server's CPU for
 * one session or message; rates depend on who else uses the machine. The table is kept in bench/results/.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Contender, Running } from "./contenders/contender.ts";
import { contenders } from "./contenders/table.ts";
import { type Figure, figures } from "./figures.ts";
import { flushesDuring } from "./measure/flushes.ts";
import { idleKilobytes, sessionKilobytes, startMilliseconds } from "./measure/memory.ts";
import { familyOf } from "./measure/processes.ts";
import { load, planOf, type Sample, sampleOf } from "./measure/sample.ts";
import { type Cell, keep, markdown, type Row } from "./report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    json: { type: "boolean" },
    only: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
  },
});
const rounds = Number(values.rounds ?? 5);
const seconds = Number(values.seconds ?? (values.quick ? 0.25 : 2));
const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);
const chosen = contenders.filter(
  ({ name }) => values.only === undefined || values.only.split(",").includes(name),
);

const folder = mkdtempSync(join(tmpdir(), "acceptutils-bench-"));
chmodSync(folder, 0o755);
const servers = new Map<Contender, Running | string>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => void stopAll().then(() => process.exit(130)));
}
try {
  for (const contender of chosen) servers.set(contender, await started(contender));
  const rows: Row[] = [];
  for (const figure of figures.filter(({ name }) => wanted(name))) rows.push(await measured(figure));
  rows.push(...(await others()));
  const table = { rows, contenders: chosen.map(({ name, promise }) => ({ name, promise })), rounds, seconds };
  if (values.json) console.log(JSON.stringify(table, null, 2));
  else console.log(`\n${markdown(table)}`);
  if (positionals.length === 0 && values.only === undefined) keep(table, values.quick ? "quick" : "full");
} finally {
  await stopAll();
}

/** The running server, or why there is none: a gap in the table. */
async function started(contender: Contender): Promise<Running | string> {
  const missing = contender.missing();
  if (missing !== undefined) return missing;
  try {
    const own = mkdtempSync(join(folder, "server-"));
    chmodSync(own, 0o755);
    return await contender.start(own);
  } catch (error) {
    return (error as Error).message;
  }
}

async function stopAll(): Promise<void> {
  for (const server of servers.values()) if (typeof server !== "string") await server.stop();
  servers.clear();
  rmSync(folder, { recursive: true, force: true });
}

/** One figure: all contenders in turn, again and again. */
async function measured(figure: Figure): Promise<Row> {
  const samples = new Map<Contender, Sample[] | string>();
  for (const [contender, server] of servers) {
    if (typeof server === "string") samples.set(contender, server);
    else if (!server.doors.has(figure.door)) samples.set(contender, "-");
    else samples.set(contender, await warm(figure, server));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [contender, taken] of samples) {
      const server = servers.get(contender);
      if (typeof taken === "string" || server === undefined || typeof server === "string") continue;
      try {
        taken.push(await sampleOf(figure, server, seconds));
      } catch (error) {
        samples.set(contender, (error as Error).message);
      }
    }
  }
  const cells: Cell[] = [];
  for (const [contender, taken] of samples) {
    const server = servers.get(contender);
    const good = typeof taken !== "string" && typeof server !== "string" && server !== undefined;
    const counted = figure.durable && (!values.quick || figure.clients === 500);
    const flushes = good && counted ? await flushesEach(figure, server) : undefined;
    cells.push({ contender: contender.name, samples: taken, flushes });
  }
  const row: Row = { figure, cells };
  note(row);
  return row;
}

/** The compiler has seen it, the caches are full. */
async function warm(figure: Figure, server: Running): Promise<Sample[] | string> {
  try {
    // One client first: passwords that are new to a server are checked by and by.
    await sampleOf({ ...figure, clients: 1 }, server, 0.1);
    await sampleOf(figure, server, Math.min(1, seconds));
    return [];
  } catch (error) {
    return (error as Error).message;
  }
}

/** Flushes for one message, counted in a run of its own: tracing costs time. */
async function flushesEach(figure: Figure, server: Running): Promise<number | undefined> {
  let messages = 0;
  const count = await flushesDuring(familyOf(server.roots), async () => {
    const told = await load(planOf(figure, server, { seconds: Math.min(1, seconds) }));
    messages = told.sessions * figure.each;
  });
  return count === undefined || messages === 0 ? undefined : count / messages;
}

/** What is not counted by load: memory, and what a native program costs to start. */
async function others(): Promise<Row[]> {
  const rows: Row[] = [];
  const each = async (
    name: string,
    says: string,
    unit: string,
    atMost: number,
    of: (server: Running, contender: Contender) => Promise<number | undefined> | number | undefined,
  ) => {
    if (!wanted(name)) return;
    const cells: Cell[] = [];
    for (const [contender, server] of servers) {
      const value =
        typeof server === "string" ? server : await Promise.resolve(of(server, contender)).catch(String);
      const known = typeof value === "number" ? [{ value }] : (value ?? "-");
      cells.push({ contender: contender.name, samples: known, flushes: undefined });
    }
    const row: Row = { figure: { name, says, unit, goal: { atMost } }, cells };
    note(row);
    rows.push(row);
  };
  const idle = values.quick ? 200 : 1000;
  const sessions = (door: "smtp" | "submission", tls: boolean) => (server: Running) =>
    server.doors.has(door) ? sessionKilobytes(server, door, tls, idle) : undefined;
  await each("11", `PSS of an idle session, ${idle} in clear`, "KiB", 16, sessions("smtp", false));
  await each("11 tls", `PSS of an idle session, ${idle} in TLS`, "KiB", 64, sessions("smtp", true));
  await each("13", "native start of one program", "ms CPU", 65, (_, { name }) =>
    name === "acceptutils" ? startMilliseconds() : undefined,
  );
  await each("14", "the service, PSS", "MiB", 110, (server) => idleKilobytes(server) / 1024);
  return rows;
}

function note({ figure, cells }: Row): void {
  if (values.json) return;
  const said = cells.map(({ contender, samples }) => {
    const value =
      typeof samples === "string" ? samples : samples.map((one) => one.value.toPrecision(3)).join(" ");
    return `${contender}: ${value}`;
  });
  console.log(
    `${figure.name.padEnd(8)} ${figure.says} (${figure.unit})\n         ${said.join("\n         ")}`,
  );
}
