import assert from "node:assert/strict";
import { test } from "node:test";
import { takeActivated } from "./systemd.ts";

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
