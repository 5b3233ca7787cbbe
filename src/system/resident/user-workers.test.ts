import assert from "node:assert/strict";
import { test } from "node:test";
import type { System } from "../system.ts";
import { Channel, channelPair } from "./channel.ts";
import { UserWorkers } from "./user-workers.ts";

const session = {
  env: new Map(),
  input: () => ({ fd: 0 }),
  output: () => ({ flush: async () => {} }),
  record: () => {},
} as unknown as System;

test("a session whose worker died while its ticket was on the way has ended, and so has the next", async () => {
  const [a, b] = channelPair();
  const [master, front] = [new Channel(a), new Channel(b)];
  const users = new UserWorkers(front);
  let joins = 0;
  master.onMessage = ({ head }) => {
    assert.deepEqual([head.kind, head["id"]], ["join", 5]);
    joins += 1;
    master.send({ kind: "gone", id: head["id"] });
  };
  front.onMessage = ({ head }) => users.gone(Number(head["id"]));
  const both = await Promise.all([
    users.run(5, { ticket: "one", service: 1, said: [] }, session),
    users.run(5, { ticket: "two", service: 1, said: [] }, session),
  ]);
  assert.deepEqual(both, [{ signal: "SIGKILL" }, { signal: "SIGKILL" }]);
  assert.equal(joins, 1);
  assert.deepEqual(await users.run(5, { ticket: "three", service: 1, said: [] }, session), {
    signal: "SIGKILL",
  });
  assert.equal(joins, 2, "the master is asked again");
  master.close();
  front.close();
});
