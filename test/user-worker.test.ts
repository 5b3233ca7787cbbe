/** A user's worker, with this test as its master and front: it goes when it has done what it was asked, not before. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { socketPair } from "../src/system/native.ts";
import { Channel, channelPair } from "../src/system/resident/channel.ts";
import { Roles } from "../src/system/resident/roles.ts";
import { type WorkerProcess, WorkerProcesses } from "../src/system/resident/worker-processes.ts";
import { root } from "./runner/case.ts";

const roles = new Roles({ uid: 65534, gid: 65534 }, false);
const account = { user: "joe", uid: 0, gid: 0, home: tmpdir(), shell: "/bin/sh" };
const service = { id: 1, argv: ["authup", "smtp", "checkpassword", "cat"], env: { PATH: "/usr/bin:/bin" } };

/** Everything that a worker says to its master, in order. */
function processes(): { workers: WorkerProcesses; heard: string[]; idle(): Promise<void> } {
  const heard: string[] = [];
  let wake = () => {};
  const workers = new WorkerProcesses({
    entry: join(root, "build", "app.cjs"),
    home: tmpdir(),
    log: (line) => heard.push(line),
    hear: (_, { head }) => {
      heard.push(head.kind);
      wake();
    },
    lost: () => {},
  });
  const idle = async () => {
    while (!heard.includes("idle")) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { workers, heard, idle };
}

/** A session with the worker, admitted by `ticket`; the client's end and what the front hears at its end. */
function session(worker: WorkerProcess, ticket: string): { client: Socket; ended: Promise<unknown> } {
  const [ours, theirs] = channelPair();
  worker.channel.send({ kind: "peer", role: "front", id: 9 }, undefined, [theirs.stream, theirs.packets]);
  const front = new Channel(ours);
  const [client, connection] = socketPair();
  const ended = front.ask({ kind: "session", ticket, env: {} }, undefined, [connection]);
  void ended.then(() => front.close());
  return { client: new Socket({ fd: client, readable: true, writable: true }), ended };
}

test("a worker that is to go ends its session first, takes the one that was promised, and then goes", async () => {
  const { workers, heard, idle } = processes();
  const worker = workers.of(roles.user(account));
  worker.channel.send({ kind: "admit", ticket: "one", service, account });
  worker.channel.send({ kind: "admit", ticket: "two", service, account });
  const first = session(worker, "one");
  first.client.write("hello");
  assert.equal(String((await once(first.client, "data"))[0]), "hello");
  workers.retire(worker);
  assert.notEqual(workers.of(roles.user(account)), worker, "the next login has another");
  const second = session(worker, "two");
  for (const { client, ended } of [first, second]) {
    client.write("still here");
    assert.equal(String((await once(client, "data"))[0]), "still here");
    assert.ok(!heard.includes("idle"));
    client.end();
    await ended;
  }
  await idle();
  await workers.end(worker);
  assert.equal(worker.process.exitCode, 0);
  await workers.endAll();
  assert.deepEqual(
    heard.filter((word) => word.startsWith("acceptutils")),
    [],
  );
});

test("a worker that has nothing to do goes at once; one that is killed is named", async () => {
  const { workers, heard, idle } = processes();
  const worker = workers.of(roles.user(account));
  workers.retire(worker);
  await idle();
  await workers.end(worker);
  const other = workers.of(roles.user(account));
  const gone = once(other.process, "exit");
  other.process.kill("SIGKILL");
  await gone;
  assert.equal(heard.at(-1), `acceptutils: users (pid ${other.process.pid}) ended: SIGKILL`);
  assert.equal(workers.running(other.key), undefined);
  await workers.endAll();
});
