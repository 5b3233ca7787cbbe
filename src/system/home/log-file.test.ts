import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LogFile } from "./log-file.ts";

test("lines are kept with their time, and not for ever", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "log");
  new LogFile(path, 60).write("smtp one", 0);
  const log = new LogFile(path, 60);
  log.write("smtp two", 0);
  log.write("smtp three", 1000);
  const stamp = "1970-01-01T00:00:00.000Z";
  assert.equal(readFileSync(`${path}.old`, "latin1"), `${stamp} smtp one\n${stamp} smtp two\n`);
  assert.equal(readFileSync(path, "latin1"), "1970-01-01T00:00:01.000Z smtp three\n");
});
