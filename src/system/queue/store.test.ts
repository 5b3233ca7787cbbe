import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { channel, type NewMessage, QueueStore } from "./store.ts";

const bytes = Buffer.from("Subject: caf\xe9\n\n\0\xff", "latin1");
const message: NewMessage = {
  sender: "bob@example.com",
  recipients: [
    { address: "alice@example.org", channel: channel.local },
    { address: "dave@example.net", channel: channel.remote },
  ],
  uid: 1000,
  pid: "7",
  trace: "Received: (qmail 7 invoked by uid 1000); 1 Jan 1970 00:00:00 -0000\n",
  content: { bytes },
  sizeOctets: 90,
  arrived: 1000,
};

/** Calls `work` with an empty queue, and a function that gives the queue as another process would find it. */
function withStore(work: (store: QueueStore, reopened: () => QueueStore) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "store."));
  const opened: QueueStore[] = [];
  const open = () => {
    const store = new QueueStore(folder);
    opened.push(store);
    return store;
  };
  try {
    work(open(), open);
  } finally {
    for (const store of opened) store.close();
    rmSync(folder, { recursive: true });
  }
}

test("a message is found again as it was", () => {
  withStore((store, reopened) => {
    const id = store.transact(() => store.add(message));
    const found = reopened();
    const { recipients: _, content: __, ...facts } = message;
    assert.deepEqual({ ...found.message(id) }, { ...facts, id, file: null });
    assert.deepEqual(Buffer.from(found.content(id)), bytes);
    assert.deepEqual(
      found.due(channel.local, 1000, 9).map(({ address }) => address),
      ["alice@example.org"],
    );
  });
});

test("a transaction that fails leaves nothing", () => {
  withStore((store) => {
    assert.throws(() =>
      store.transact(() => {
        store.add(message);
        throw new RangeError("stop");
      }),
    );
    assert.equal(store.count(), 0);
    store.transact(() => store.add(message)); // and the next one works
    assert.equal(store.count(), 1);
  });
});

test("a recipient comes due at its time, the longest waiting first", () => {
  withStore((store) => {
    const [first, second] = store.transact(() => [
      store.add({ ...message, arrived: 2000 }),
      store.add({ ...message, arrived: 1000 }),
    ]);
    assert.deepEqual(
      store.due(channel.local, 3000, 9).map(({ message }) => message),
      [second, first],
    );
    assert.deepEqual(store.due(channel.local, 1500, 9).length, 1);
    assert.equal(store.nextDue(channel.local, 1500), 2000);
    const [due] = store.due(channel.local, 1500, 9);
    store.transact(() => store.defer(due!.id, 9000));
    assert.equal(store.due(channel.local, 1500, 9).length, 0);
    assert.equal(store.due(channel.local, 9000, 9).find(({ id }) => id === due!.id)?.tries, 1);
    store.transact(() => store.hurry(100));
    assert.equal(store.due(channel.local, 100, 9).length, 2);
  });
});

test("a message waits until every recipient's fate is known, and then says who failed", () => {
  withStore((store) => {
    const id = store.transact(() => store.add(message));
    const [local] = store.due(channel.local, 1000, 9);
    const [remote] = store.due(channel.remote, 1000, 9);
    store.transact(() => store.deliver(local!.id));
    assert.equal(store.isWaiting(id), true);
    store.transact(() => store.fail(remote!.id, "no\n"));
    assert.equal(store.isWaiting(id), false);
    assert.deepEqual(
      store.failures(id).map((failure) => ({ ...failure })),
      [{ address: "dave@example.net", text: "no\n" }],
    );
    store.transact(() => store.remove(id));
    assert.equal(store.count(), 0);
    // Its number is not used again: a file in somebody's Maildir is named after it.
    assert.ok(store.transact(() => store.add(message)) > id);
  });
});

test("another process is seen to have written", () => {
  withStore((store, reopened) => {
    const before = store.version();
    const other = reopened();
    other.transact(() => other.add(message));
    assert.notEqual(store.version(), before);
  });
});
