import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeFolders } from "./make-folders.ts";

const folder = mkdtempSync(join(tmpdir(), "folders-"));
after(() => rmSync(folder, { recursive: true }));

test("a folder is made with those on the way to it, once", () => {
  const path = join(folder, "a", "b", "c");
  makeFolders(path, 0o700);
  makeFolders(path, 0o755);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test("where no folder can be, that is the system's error, and it comes at once", () => {
  writeFileSync(join(folder, "file"), "");
  assert.throws(() => makeFolders(join(folder, "file")), { code: "EEXIST" });
  assert.throws(() => makeFolders(join(folder, "file", "a", "b")), { code: "ENOTDIR" });
  assert.throws(() => makeFolders("/proc/none/of/these"), { path: "/proc/none" });
});
