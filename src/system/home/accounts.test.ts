import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accountsText,
  chooseIds,
  type Machine,
  parseAccounts,
  serviceAccounts,
  thisMachine,
} from "./accounts.ts";

const names = [...serviceAccounts.keys()];
const nobody = new Set<string>();

function machine(uid: number, accounts: Record<string, number> = {}, taken: number[] = []): Machine {
  return {
    self: { uid, gid: uid },
    account: (name) =>
      accounts[name] === undefined ? undefined : { uid: accounts[name], gid: accounts[name] },
    taken: (ids) => new Set(ids.filter((id) => taken.includes(id))),
  };
}

test("without root everybody is who we are", () => {
  const ids = chooseIds(names, nobody, "/h", new Set(), machine(1000, { qmaild: 64011 }));
  assert.deepEqual([...ids.values()], Array(names.length).fill({ uid: 1000, gid: 1000 }));
});

test("as root everybody is somebody else", () => {
  const ids = [...chooseIds(names, nobody, "/h", new Set(), machine(0)).values()].map(({ uid }) => uid);
  assert.equal(new Set(ids).size, names.length);
  assert.ok(ids.every((id) => id >= 61184 && id <= 65519));
});

test("as root the machine's own accounts are taken, but never root's", () => {
  const ids = chooseIds(names, nobody, "/h", new Set(), machine(0, { qmaild: 64011, qmailq: 0 }));
  assert.deepEqual(ids.get("qmaild"), { uid: 64011, gid: 64011 });
  assert.notEqual(ids.get("qmailq")?.uid, 0);
});

test("our alice is not the machine's alice", () => {
  const ids = chooseIds(["alice"], new Set(["alice"]), "/h", new Set(), machine(0, { alice: 1000 }));
  assert.notEqual(ids.get("alice")?.uid, 1000);
});

test("a number that somebody has is passed over", () => {
  const first = chooseIds(["x"], nobody, "/h", new Set(), machine(0)).get("x")!.uid;
  assert.notEqual(chooseIds(["x"], nobody, "/h", new Set([first]), machine(0)).get("x")?.uid, first);
  assert.notEqual(chooseIds(["x"], nobody, "/h", new Set(), machine(0, {}, [first])).get("x")?.uid, first);
});

test("when all are taken, that is said", () => {
  const full: Machine = { ...machine(0), taken: (ids) => new Set(ids) };
  assert.throws(() => chooseIds(["x"], nobody, "/h", new Set(), full), RangeError);
});

test("getent is asked", () => {
  assert.deepEqual(thisMachine.account("root"), { uid: 0, gid: 0 });
  assert.equal(thisMachine.account("no such account"), undefined);
  assert.deepEqual([...thisMachine.taken([0, 61_190_000])], [0]);
});

test("users/accounts is read as it was written", () => {
  const accounts = chooseIds(names, nobody, "/h", new Set(), machine(0));
  assert.deepEqual(parseAccounts(accountsText(accounts)), accounts);
  assert.deepEqual(parseAccounts("a:1\n:1:2\nb:x:2\n#c:1:2:3\n"), new Map());
});
