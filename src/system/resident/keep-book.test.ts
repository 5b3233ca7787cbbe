import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { networks } from "../../auth/network.ts";
import { PenaltyBook } from "../../auth/penalty.ts";
import { askForgiveness, readPenalties } from "../home/penalties.ts";
import { exemptIn, keepBook } from "./keep-book.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "acceptutils-book."));
  for (const name of ["users", "control"]) mkdirSync(join(home, name));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function guessed(): PenaltyBook {
  const book = new PenaltyBook();
  for (let guess = 0; guess < 5; guess++) book.failed("192.0.2.1", "alice", `${guess}`, Date.now());
  return book;
}

test("what changed is written within seconds, and read again after a restart", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const log: string[] = [];
  const keeper = { forgiven: () => {}, log: (line: string) => log.push(line) };
  const kept = keepBook(home, guessed(), keeper);
  t.mock.timers.tick(5000);
  assert.deepEqual(readPenalties(home), [], "nothing has changed");
  kept.changed();
  t.mock.timers.tick(5000);
  const again = new PenaltyBook();
  keepBook(home, again, keeper);
  assert.deepEqual(
    again.entries(Date.now()).map(({ kind, name, score }) => [kind, name, Math.round(score)]),
    [
      ["network", "192.0.2.1", 5],
      ["account", "alice", 5],
    ],
  );
  assert.deepEqual(log, []);
});

test("who is to be forgiven is struck out within a second, and everybody is told", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const book = guessed();
  const told: string[] = [];
  keepBook(home, book, { forgiven: (name) => told.push(name), log: assert.fail });
  askForgiveness(home, "192.0.2.1");
  t.mock.timers.tick(1000);
  assert.deepEqual(told, ["192.0.2.1"]);
  assert.deepEqual(
    book.entries(Date.now()).map(({ name }) => name),
    ["alice"],
  );
});

test("a folder that cannot be written is complained of once, and the book goes on", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  rmSync(join(home, "users"), { recursive: true });
  const log: string[] = [];
  const book = guessed();
  keepBook(home, book, { forgiven: () => {}, log: (line) => log.push(line) }).changed();
  t.mock.timers.tick(20_000);
  assert.equal(log.length, 1);
  assert.match(log[0] ?? "", /^auth: users\/penalties: ENOENT/);
  assert.equal(book.entries(Date.now()).length, 2);
});

test("loopback is always exempt; else this host, or what control/penaltyexempt says", () => {
  const usual = networks(exemptIn(home, assert.fail));
  assert.equal(usual.has("127.0.0.1"), true);
  assert.equal(usual.has("198.51.100.7"), false);
  writeFileSync(join(home, "control", "penaltyexempt"), "# the proxy\n198.51.100.0/24\n");
  const said = networks(exemptIn(home, assert.fail));
  assert.equal(said.has("198.51.100.7"), true);
  assert.equal(said.has("127.0.0.1"), true);
});

test("a control/penaltyexempt that makes no sense is passed over, and the log says so", () => {
  writeFileSync(join(home, "control", "penaltyexempt"), "198.51.100.0/99\n");
  const log: string[] = [];
  assert.equal(networks(exemptIn(home, (line) => log.push(line))).has("198.51.100.7"), false);
  assert.deepEqual(log, [
    "auth: control/penaltyexempt is passed over: 198.51.100.0/99 is no address and no network",
  ]);
});
