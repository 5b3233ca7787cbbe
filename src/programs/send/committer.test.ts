import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { channel, type NewMessage, QueueStore } from "../../system/queue/store.ts";
import { Committer } from "./committer.ts";

const message: NewMessage = {
  sender: "",
  recipients: [{ address: "alice@example.org", channel: channel.local }],
  uid: 1000,
  pid: "7",
  trace: "",
  content: { bytes: Buffer.from("x\n") },
  sizeOctets: 2,
  arrived: 0,
};

async function withStore(work: (store: QueueStore) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "committer."));
  const store = new QueueStore(folder);
  try {
    await work(store);
  } finally {
    store.close();
    rmSync(folder, { recursive: true });
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("messages that arrive in one turn share one transaction, and hear of it after", () =>
  withStore(async (store) => {
    let transactions = 0;
    const counted = new Proxy(store, {
      get: (target, name) => {
        if (name === "transact") transactions++;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const committer = new Committer(counted, (error) => assert.ifError(error));
    const ids: (number | undefined)[] = [];
    for (let at = 0; at < 5; at++) committer.arrive({ message, settle: (id) => ids.push(id) });
    assert.deepEqual(ids, []);
    await nextTurn();
    assert.deepEqual(ids, [1, 2, 3, 4, 5]);
    assert.equal(transactions, 1);
    assert.equal(store.count(), 5);
  }));

test("when the disk fails, nobody is told that his message is there, and what was done is written later", () =>
  withStore(async (store) => {
    const failures: unknown[] = [];
    let broken = true;
    const breaking = new Proxy(store, {
      get: (target, name) => {
        if (name === "transact" && broken) {
          return () => {
            throw new Error("disk full");
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const committer = new Committer(breaking, (error) => failures.push(error));
    const ids: (number | undefined)[] = [];
    let applied = 0;
    let settled = 0;
    committer.arrive({ message, settle: (id) => ids.push(id) });
    committer.change({ apply: () => applied++, settle: () => settled++ });
    committer.commit();
    assert.deepEqual([ids, failures.length, applied, settled], [[undefined], 1, 0, 0]);
    broken = false;
    committer.arrive({ message, settle: (id) => ids.push(id) });
    committer.commit();
    assert.deepEqual([ids, applied, settled], [[undefined, 1], 1, 1]);
  }));
