import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "./settings-file.ts";
import { NoAccount, virtualAccount, virtualAccountSettings } from "./virtual-account.ts";

const settings = { uid: 7, gid: 8, home: "/srv/%d/%n", shell: "/bin/sh" };
const nothing = { uid: undefined, gid: undefined, home: undefined, shell: "/bin/sh" };

test("what is known of a user goes before what is set for all", () => {
  const known = { user: "a", uid: "1", gid: "2", home: "/h", shell: "/s" };
  assert.deepEqual(virtualAccount(known, settings), { user: "a", uid: 1, gid: 2, home: "/h", shell: "/s" });
  assert.deepEqual(virtualAccount(known, nothing), { user: "a", uid: 1, gid: 2, home: "/h", shell: "/s" });
  const account = { user: "al@x.example", uid: 7, gid: 8, home: "/srv/x.example/al", shell: "/bin/sh" };
  assert.deepEqual(virtualAccount({ user: "al@x.example" }, settings), account);
  assert.equal(virtualAccount({ user: "a@b@c" }, { ...settings, home: "/%u:%n" })?.home, "/a@b@c:a@b");
});

for (const user of ["al", "@x", "al@", "../x@y", "a/b@c", ".a@c", "a@..", "a@b/c", "a\0@b"]) {
  test(`${JSON.stringify(user)} has no place under /srv/%d/%n`, () =>
    assert.equal(virtualAccount({ user }, settings), undefined));
}

test("root is nobody; what is missing or no id is a mistake, with a word to set", () => {
  assert.equal(virtualAccount({ user: "a@b", uid: "0" }, settings), undefined);
  assert.equal(virtualAccount({ user: "a@b", gid: "0" }, settings), undefined);
  for (const [known, why] of [
    [{ uid: "-1" }, /-1 is no uid/],
    [{ uid: "4294967295" }, /is no uid/],
    [{ uid: "1e3" }, /1e3 is no uid/],
    [{ home: "relative" }, /the home of a@b is no path/],
  ] as const) {
    assert.throws(
      () => virtualAccount({ user: "a@b", ...known }, settings),
      (error: Error) => {
        assert.ok(error instanceof NoAccount);
        assert.match(error.message, why);
        return true;
      },
    );
  }
  assert.throws(() => virtualAccount({ user: "a" }, nothing), /set uid/);
  assert.throws(() => virtualAccount({ user: "a" }, { ...nothing, uid: 1, gid: 1 }), /set home/);
});

test("a home that is no template is told with its place", () => {
  const wrong = parseSettings("home /srv/%x\nuid 0\n", virtualAccountSettings);
  assert.deepEqual(wrong, {
    spots: [
      { line: 1, column: 11, text: "home wants a path in which only %u, %n and %d are replaced" },
      { line: 2, column: 5, text: 'uid wants a number from 1 to 4294967294, not "0"' },
    ],
  });
});
