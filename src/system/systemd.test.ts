import assert from "node:assert/strict";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeActivated, takeNotifier } from "./systemd.ts";

for (const [name, variables, expected] of [
  ["no socket was opened", {}, undefined],
  ["one was", { LISTEN_FDS: "1", LISTEN_PID: "70", LISTEN_FDNAMES: "smtp" }, 3],
  ["one was, for our parent", { LISTEN_FDS: "1", LISTEN_PID: "69" }, undefined],
  ["none was", { LISTEN_FDS: "0", LISTEN_PID: "70" }, undefined],
] as const) {
  test(`${name}: descriptor ${expected}`, () => {
    const env = new Map<string, string>(Object.entries({ ...variables, PATH: "/bin" }));
    assert.equal(takeActivated(env, 70), expected);
    assert.deepEqual([...env.keys()], ["PATH"]);
  });
}

test("whoever waits for a line end on a descriptor gets one, once clients are served", () => {
  const folder = mkdtempSync(join(tmpdir(), "notify-"));
  const file = join(folder, "told");
  const env = new Map([["ACCEPTUTILS_NOTIFY_FD", String(openSync(file, "w"))]]);
  const notify = takeNotifier(env);
  assert.equal(env.size, 0);
  assert.equal(readFileSync(file, "latin1"), "");
  notify();
  assert.equal(readFileSync(file, "latin1"), "\n");
  rmSync(folder, { recursive: true });
});

for (const text of ["three", "-1", "1000000"]) {
  test(`descriptor ${text} is none`, () => {
    assert.throws(
      () => takeNotifier(new Map([["ACCEPTUTILS_NOTIFY_FD", text]])),
      /ACCEPTUTILS_NOTIFY_FD: ".*" is no open descriptor/,
    );
  });
}
