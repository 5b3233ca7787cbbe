/** What is made of figures that were measured: the measuring itself is no part of the tests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { partRows, withDerived } from "../bench/derived.ts";
import { losses, missed, ratiosOf } from "../bench/kept.ts";
import { countOfPerf, countOfStrace } from "../bench/measure/flushes.ts";
import { type Cell, flushesSaid, type Row } from "../bench/report.ts";

const kept = { "1": { "smtp-server": 0.5, Postfix: 0.25, "bare Node.js": 4 } };

/** Our figure 1 beside the others', in µs. */
function run(own: number, others: Readonly<Record<string, number | string>>): Row[] {
  const cell = (contender: string, kind: Cell["kind"], value: number | string): Cell => ({
    contender,
    kind,
    samples: typeof value === "string" ? value : [{ value: value * 2 }, { value }, { value: value / 2 }],
  });
  const cells = Object.entries(others).map(([name, value]) => cell(name, "peer", value));
  const figure = { name: "1", says: "incoming", unit: "µs CPU", goal: { atMost: 500 } };
  return [{ figure, cells: [cell("acceptutils", "ours", own), ...cells] }];
}

test("a figure that keeps its ratios, or is better, is no loss", () => {
  const others = { "smtp-server": 1000, Postfix: 2000, "bare Node.js": 125 };
  assert.deepEqual(losses(run(500, others), kept), []);
  assert.deepEqual(losses(run(100, others), kept), []);
  assert.deepEqual(losses(run(600, others), kept), [], "a fifth is what runs differ by");
});

test("a figure that is worse beside all others is a loss, whatever the machine's own speed", () => {
  const others = { "smtp-server": 100, Postfix: 200, "bare Node.js": 12.5 };
  const lines = losses(run(100, others), kept).map(({ line }) => line);
  assert.deepEqual(lines, [
    "figure 1 costs more than it did: 1 of smtp-server's, kept 0.5; 0.5 of Postfix's, kept 0.25; 8 of bare Node.js's, kept 4",
  ]);
});

test("a figure of ours that cannot be measured any more, or compared with anybody, is a loss", () => {
  const others = { Postfix: 2000 };
  const [row] = run(500, others);
  const [own, ...rest] = row!.cells;
  const broken = { ...row!, cells: [{ ...own!, samples: "554 instead of 250" }, ...rest] };
  const lines = (rows: readonly Row[]) => losses(rows, kept).map(({ line }) => line);
  assert.deepEqual(lines([broken]), ["figure 1 was not measured: 554 instead of 250"]);
  assert.deepEqual(lines(run(500, { Postfix: "not installed: bench/setup" })), [
    "figure 1 has nobody beside it who is kept: smtp-server, Postfix, bare Node.js",
  ]);
  assert.deepEqual(losses(run(500, others), {}).length, 1, "nor is one that nobody has kept");
});

test("one peer's good moment is not our loss, and a peer that is missing says nothing", () => {
  assert.deepEqual(losses(run(500, { "smtp-server": 500, Postfix: 2000, "bare Node.js": 125 }), kept), []);
  assert.deepEqual(
    losses(run(500, { "smtp-server": "not installed: bench/setup", Postfix: 2000 }), kept),
    [],
  );
});

test("rates are compared as what one of them costs", () => {
  const rows = run(50_000, { "smtp-server": 50_000 }).map((row) => ({
    ...row,
    figure: { ...row.figure, unit: "per CPU second", goal: { atLeast: 50_000 } },
  }));
  assert.equal(losses(rows, kept).length, 1);
  assert.deepEqual(losses(rows, { "1": { "smtp-server": 1 } }), []);
});

test("every row with somebody beside it is kept, memory, starts and the clock too", () => {
  const units = ["KiB", "MiB", "ms", "per second", "ms CPU"];
  const rows = units.map((unit, at): Row => {
    const [row] = run(50, { Postfix: 100 });
    const goal = unit === "per second" ? { atLeast: 400 } : { atMost: 400 };
    return { ...row!, figure: { ...row!.figure, name: String(at), unit, goal } };
  });
  assert.deepEqual(Object.values(ratiosOf(rows)), [
    { Postfix: 0.5 },
    { Postfix: 0.5 },
    { Postfix: 0.5 },
    { Postfix: 2 },
    { Postfix: 0.5 },
  ]);
});

test("what the clock says may move more than what is counted", () => {
  const [row] = run(70, { Postfix: 100 });
  const by = (unit: string) =>
    losses([{ ...row!, figure: { ...row!.figure, unit } }], { "1": { Postfix: 0.5 } });
  assert.equal(by("ms CPU").length, 1);
  assert.deepEqual(by("ms"), []);
});

test("a promise is missed by its median, not by one look", () => {
  const figure = { name: "growth", says: "grows", unit: "KiB", goal: { atMost: 64 } };
  const row = (values: readonly number[]): Row => ({
    figure,
    cells: [{ contender: "acceptutils", kind: "ours", samples: values.map((value) => ({ value })) }],
  });
  assert.deepEqual(missed([row([90, 10, 12])], new Set(["growth"])), []);
  assert.deepEqual(
    missed([row([90, 80, 12])], new Set(["growth"])).map(({ line }) => line),
    ["figure growth misses its goal: 80.0 KiB"],
  );
});

test("flushes stand beside what is durable", () => {
  const flushes = (counts: readonly number[] | null | undefined) =>
    flushesSaid({ contender: "Postfix", kind: "peer", samples: [], flushes: counts });
  assert.deepEqual([[0.05, 0.03, 0.1], [1, 1], null, undefined].map(flushes), [
    ", 0.050 (0.030-0.10) flushes",
    ", 1.0 flushes",
    ", flushes not seen",
    "",
  ]);
});

test("figure 12 is told by its flushes and by Postfix's pace, too", () => {
  const cell = (contender: string, kind: Cell["kind"], paces: readonly number[], flushes: number): Cell => ({
    contender,
    kind,
    samples: paces.map((sessionsPerSecond) => ({ value: 1e6 / sessionsPerSecond, sessionsPerSecond })),
    flushes: [flushes],
  });
  const figure = { name: "12", says: "500 clients", unit: "µs CPU", goal: { atMost: 500 } };
  const cells = [cell("acceptutils", "ours", [1500, 3000, 2000], 0.04), cell("Postfix", "peer", [500], 1)];
  assert.deepEqual(derived({ figure, cells }), [
    [[0.04], [1]],
    [[3, 6, 4], [1]],
  ]);
  const alone = derived({ figure, cells: cells.slice(0, 1) });
  assert.deepEqual(alone[1], ["-"], "where there is no Postfix");
});

test("sessions that waited are told as they came, too", () => {
  const figure = { name: "11", says: "1000 sessions", unit: "KiB", goal: { atMost: 16 } };
  const samples = [
    { value: 20, come: 50 },
    { value: 22, come: 40 },
  ];
  const cells: Cell[] = [
    { contender: "acceptutils", kind: "ours", samples },
    { contender: "OpenSMTPD", kind: "peer", samples: "-" },
  ];
  assert.deepEqual(derived({ figure, cells }), [[[50, 40], "-"]]);
  assert.deepEqual(derived({ figure, cells: cells.slice(1) }), []);
});

/** The samples of all rows but the first, each cell's. */
const derived = (row: Row) =>
  withDerived([row])
    .slice(1)
    .map(({ cells }) =>
      cells.map(({ samples }) => (typeof samples === "string" ? samples : samples.map(({ value }) => value))),
    );

test("a part that is slower beside the reference is a loss", () => {
  const part = (name: string, value: number) => ({
    name,
    unit: "MB/s",
    values: [value * 2, value, value / 2],
  });
  const rows = (own: number) =>
    partRows([part("reference", 100), part("decoding", own), { ...part("exec", 40), unit: "ms CPU" }]);
  const before = { decoding: { reference: 0.1 } };
  assert.deepEqual(losses(rows(1000), before), []);
  assert.deepEqual(losses(rows(700), before), []);
  assert.equal(losses(rows(600), before).length, 1);
  assert.deepEqual(partRows([]), []);
});

test("flushes are added up over all calls, whoever counted them", () => {
  const perf =
    "# started on Mon Mar  2\n\n12,,syscalls:sys_enter_fsync,80,100.00,,\n3,,syscalls:sys_enter_msync,80,100.00,,\n<not counted>,,syscalls:sys_enter_sync,0,100.00,,\n7,,instructions:u,80,100.00,,\n";
  assert.equal(countOfPerf(perf), 15);
  const strace =
    "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ----------------\n 90.00    0.001000         100        10           fsync\n 10.00    0.000100          50         2         1 fdatasync\n------ ----------- ----------- --------- --------- ----------------\n100.00    0.001100                    12         1 total\n";
  assert.equal(countOfStrace(strace), 12);
});
