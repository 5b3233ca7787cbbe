import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Busy, FairQueue } from "./fair-queue.ts";

const limits = { atOnce: 1, waitingEach: 10, waiting: 100 };

/** Work that ends when it is told to. */
function job(): { work: () => Promise<void>; started: boolean; end: () => void } {
  const done = Promise.withResolvers<void>();
  const made = {
    started: false,
    work: () => {
      made.started = true;
      return done.promise;
    },
    end: done.resolve,
  };
  return made;
}

test("clients take turns, however much one of them asks", async () => {
  const queue = new FairQueue(limits);
  const order: string[] = [];
  const ask = (client: string) =>
    queue.run(client, async () => {
      order.push(client);
    });
  await Promise.all(["flood", "flood", "flood", "flood", "alice", "bob", "alice"].map(ask));
  // The first started at once, before anybody else was there.
  assert.deepEqual(order, ["flood", "flood", "alice", "bob", "flood", "alice", "flood"]);
});

test("no more than so many run at once", async () => {
  const queue = new FairQueue({ ...limits, atOnce: 2 });
  const jobs = [job(), job(), job()];
  const all = jobs.map(({ work }) => queue.run("alice", work));
  assert.deepEqual(
    jobs.map(({ started }) => started),
    [true, true, false],
  );
  jobs[1]?.end();
  await all[1];
  assert.equal(jobs[2]?.started, true);
  for (const { end } of jobs) end();
  await Promise.all(all);
});

test("a queue that is full says so, and the others go on", async () => {
  const queue = new FairQueue({ atOnce: 1, waitingEach: 2, waiting: 3 });
  const first = job();
  const running = [queue.run("flood", first.work)];
  for (let count = 0; count < 2; count++) running.push(queue.run("flood", async () => {}));
  await assert.rejects(
    queue.run("flood", async () => {}),
    Busy,
  );
  running.push(queue.run("alice", async () => {}));
  await assert.rejects(
    queue.run("bob", async () => {}),
    Busy,
  );
  first.end();
  await Promise.all(running);
  assert.equal(queue.waiting, 0);
});

test("work that fails gives its place on, and its error to who asked", async () => {
  const queue = new FairQueue(limits);
  const bad = queue.run("alice", () => Promise.reject(new Error("no")));
  const good = queue.run("bob", async () => "yes");
  await assert.rejects(bad, { message: "no" });
  assert.equal(await good, "yes");
});

test("everything that was taken in is done, once", async () => {
  const asks = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(asks, fc.integer({ min: 1, max: 4 }), async (clients, atOnce) => {
      const queue = new FairQueue({ atOnce, waitingEach: 30, waiting: 30 });
      let running = 0;
      let done = 0;
      await Promise.all(
        clients.map((client) =>
          queue.run(client, async () => {
            running += 1;
            assert.ok(running <= atOnce);
            await Promise.resolve();
            running -= 1;
            done += 1;
          }),
        ),
      );
      assert.equal(done, clients.length);
      assert.equal(queue.waiting, 0);
    }),
  );
});
