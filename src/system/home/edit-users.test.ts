import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Busy } from "./atomic.ts";
import { addUser, listUsers, removeUser, setHash, UsersProblem } from "./edit-users.ts";

const self = `${process.getuid!()}:${process.getgid!()}`;
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "users-"));
  for (const part of ["users", "control", "mail"]) mkdirSync(join(home, part));
  writeFileSync(
    join(home, "users", "passwd"),
    `# who\nalice:$h:${self}::mail/alice:/bin/sh\nqmaild:*:${self}:::\n`,
  );
  writeFileSync(join(home, "control", "recipients"), "# mail\nalice\n\npostmaster:alice");
});
afterEach(() => rmSync(home, { recursive: true }));

const passwd = () => readFileSync(join(home, "users", "passwd"), "latin1");
const recipients = () => readFileSync(join(home, "control", "recipients"), "latin1");

test("a new user has a login, an address and a mailbox", () => {
  addUser(home, "carol", "$h2", undefined);
  assert.match(passwd(), /^carol:\$h2:\d+:\d+::mail\/carol:\/bin\/sh$/m);
  assert.equal(recipients(), "# mail\nalice\n\npostmaster:alice\ncarol\n");
  assert.ok(existsSync(join(home, "mail", "carol", "Maildir", "new")));
});

test("names that cannot be a folder and an address are refused, and nothing is changed", () => {
  const before = passwd();
  for (const name of ["", "Carol", "../x", "a/b", "a..b", "a:b", "-a", "1a", "a b", "ä", "a".repeat(33)]) {
    assert.throws(() => addUser(home, name, "$h", undefined), UsersProblem, name);
  }
  assert.throws(() => addUser(home, "alice", "$h", undefined), /there is a user alice already/);
  assert.throws(() => addUser(home, "qmaild", "$h", undefined), UsersProblem);
  assert.equal(passwd(), before);
  assert.equal(existsSync(join(home, "users", "passwd.new")), false);
});

test("without root, numbers of others are refused", () => {
  const machine = {
    self: { uid: 1000, gid: 1000 },
    account: () => undefined,
    taken: () => new Set<number>(),
  };
  assert.throws(() => addUser(home, "carol", "$h", { uid: 1001, gid: 1001 }, machine), UsersProblem);
});

test("a user who is gone has no login and no address, but the mail is kept", () => {
  addUser(home, "carol", "$h2", undefined);
  const mail = removeUser(home, "carol");
  assert.ok(!passwd().includes("carol"));
  assert.equal(recipients(), "# mail\nalice\n\npostmaster:alice\n");
  assert.ok(existsSync(mail));
});

test("nobody is removed who still gets mail for another, or who is no user", () => {
  assert.throws(() => removeUser(home, "alice"), /postmaster:alice/);
  assert.throws(() => removeUser(home, "dave"), /no user dave/);
  assert.throws(() => removeUser(home, "qmaild"), UsersProblem);
  assert.equal(listUsers(home).length, 2);
});

test("a new password leaves the rest of the line, and all other lines", () => {
  setHash(home, "alice", "$new");
  assert.equal(passwd(), `# who\nalice:$new:${self}::mail/alice:/bin/sh\nqmaild:*:${self}:::\n`);
  assert.throws(() => setHash(home, "dave", "$x"), UsersProblem);
});

test("two commands at once do not undo each other", () => {
  writeFileSync(join(home, "users", "passwd.new"), "");
  assert.throws(() => addUser(home, "carol", "$h", undefined), Busy);
  rmSync(join(home, "users", "passwd.new"));
});
