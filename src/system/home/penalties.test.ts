import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Entry } from "../../auth/penalty.ts";
import { askForgiveness, readPenalties, takeForgiven, writePenalties } from "./penalties.ts";

const home = mkdtempSync(join(tmpdir(), "acceptutils-penalties."));
mkdirSync(join(home, "users"));
after(() => rmSync(home, { recursive: true, force: true }));

const entries: readonly Entry[] = [
  { kind: "network", name: "192.0.2.1", score: 7.5, at: 1_000 },
  { kind: "account", name: 'z\u00e9 "quoted"', score: 3, at: 1_000 },
];

test("a book that was never written is empty", () => {
  assert.deepEqual(readPenalties(home), []);
  assert.deepEqual(takeForgiven(home), []);
});

test("what was written is read, by us alone, and a broken line does no harm", () => {
  writePenalties(home, entries);
  assert.equal(statSync(join(home, "users", "penalties")).mode & 0o777, 0o600);
  appendFileSync(join(home, "users", "penalties"), '{"kind":"network"}\n[]\nnull\n{"kind":"acc');
  assert.deepEqual(readPenalties(home), entries);
});

test("what is to be forgiven is not shown any more, and is handed over once", () => {
  askForgiveness(home, "192.0.2.1");
  askForgiveness(home, "a\nb");
  assert.deepEqual(readPenalties(home), entries.slice(1));
  assert.deepEqual(takeForgiven(home), ["192.0.2.1", "a\nb"]);
  assert.deepEqual(takeForgiven(home), []);
});
