import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Channel, channel, type Due, type NewMessage, QueueStore } from "../../system/queue/store.ts";
import { Adoption } from "./adoption.ts";

const message: NewMessage = {
  sender: "bob@example.com",
  recipients: [{ address: "alice@example.org", channel: channel.new }],
  uid: 1000,
  pid: "7",
  trace: "",
  content: { bytes: Buffer.from("\n") },
  sizeOctets: 1,
  arrived: 1000,
};

/** A queue in which somebody else writes a message in the moment after nothing new was found. */
class Raced extends QueueStore {
  race: (() => void) | undefined;

  override due(way: Channel, now: number, limit: number): Due[] {
    const found = super.due(way, now, limit);
    if (found.length === 0) {
      this.race?.();
      this.race = undefined;
    }
    return found;
  }
}

function withQueue(work: (store: Raced, other: QueueStore, adoption: Adoption) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "adoption."));
  const store = new Raced(folder);
  const other = new QueueStore(folder);
  try {
    work(store, other, new Adoption(store, () => channel.local));
  } finally {
    store.close();
    other.close();
    rmSync(folder, { recursive: true });
  }
}

const write = (store: QueueStore) => store.transact(() => store.add(message));

test("what was written before the first look, and after it, is adopted once", () => {
  withQueue((store, other, adoption) => {
    const first = write(other);
    assert.deepEqual([...adoption.look()], [first]);
    assert.deepEqual([...adoption.look()], []);
    const second = write(other);
    assert.deepEqual([...adoption.look()], [second]);
    assert.deepEqual(
      store.due(channel.local, 1000, 9).map((due) => due.message),
      [first, second],
    );
  });
});

test("what is written in the moment after a look is found by the next", () => {
  withQueue((store, other, adoption) => {
    store.race = () => write(other);
    assert.deepEqual([...adoption.look()], []);
    assert.equal(adoption.look().size, 1);
  });
});
