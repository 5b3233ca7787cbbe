import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { CannotOpen } from "../system/system.ts";
import { formatUser, parseUser, parseUsers, type User, verify, withoutUser, withUser } from "./users.ts";

// "password", at the price of a test.
const cheap = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const file = `# users
alice:${cheap}:1000:1001:Alice:mail/alice:/bin/sh
bob:${cheap}:1002:1002::/home/bob:
root:${cheap}:0:1:::
wheel:${cheap}:1003:0:::
qmaild:*:64011:64010:::
broken:${cheap}:x:1:::
odd:$1$abc$def:1004:1004:::
alice:*:1:1:::
`;

const reader = (text: string | undefined) => {
  const bytes = text === undefined ? undefined : Buffer.from(text, "latin1");
  return {
    home: () => "/srv/mail",
    readFile: async (path: string) => (path === "/srv/mail/users/passwd" ? bytes : undefined),
  };
};
const ask = (user: string, password: string) =>
  verify(reader(file), user, new Secret(Buffer.from(password, "latin1")));

test("the right password says what the session becomes", async () => {
  assert.deepEqual(await ask("alice", "password"), {
    user: "alice",
    uid: 1000,
    gid: 1001,
    home: "/srv/mail/mail/alice",
    shell: "/bin/sh",
  });
  assert.equal((await ask("bob", "password"))?.home, "/home/bob");
});

for (const [why, user, password] of [
  ["a wrong password", "alice", "Password"],
  ["no password", "alice", ""],
  ["an unknown user", "carol", "password"],
  ["another case of the name", "Alice", "password"],
  ["no user", "", "password"],
  ["uid 0", "root", "password"],
  ["gid 0", "wheel", "password"],
  ["an account without a password", "qmaild", "*"],
  ["a hash that is not ours", "odd", "password"],
  ["a line that is no user", "broken", "password"],
  ["a comment", "# users", "password"],
  ["a name every object has", "constructor", "password"],
] as const) {
  test(`${why} is refused`, async () => assert.equal(await ask(user, password), undefined));
}

test("without the file nobody can say", async () => {
  const secret = new Secret(Buffer.from("password"));
  await assert.rejects(verify(reader(undefined), "alice", secret), CannotOpen);
});

test("a user's line is replaced where it stands, and the others stay as they are", () => {
  const alice: User = { ...parseUsers(file).get("alice")!, hash: "*" };
  const changed = withUser(file, alice);
  assert.equal(changed.split("\n").length, file.split("\n").length);
  assert.equal(changed.split("\n")[1], formatUser(alice));
  assert.equal(
    withUser(file, { ...alice, name: "dave" }),
    `${file}${formatUser({ ...alice, name: "dave" })}\n`,
  );
  assert.equal(withUser("", alice), formatUser(alice) + "\n");
  assert.equal(withoutUser(file, "bob").includes("bob"), false);
  assert.equal(parseUsers(withoutUser(file, "alice")).has("alice"), false);
});

test("what was formatted reads the same, and what would not is refused", () => {
  const field = fc.string({ unit: fc.constantFrom(..."ab:\n /é$") });
  fc.assert(
    fc.property(field, field, fc.nat(), field, (name, gecos, id, home) => {
      const user: User = { name, hash: "*", uid: id, gid: id, gecos, home, shell: "" };
      let line: string;
      try {
        line = formatUser(user);
      } catch {
        return;
      }
      assert.deepEqual(parseUser(line), user);
    }),
  );
});
