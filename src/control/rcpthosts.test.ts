import assert from "node:assert/strict";
import { test } from "node:test";
import { cdbBytes } from "../protocol/cdb/cdb.ts";
import { readBadMailFrom } from "./badmailfrom.ts";
import type { Reader } from "./control.ts";
import { readRcptHosts } from "./rcpthosts.ts";
import { readKnownMailboxes, readRecipients } from "./recipients.ts";

const reader = (files: Record<string, string | Uint8Array>): Reader => ({
  readFile: async (path) => {
    const content = files[path.replace("control/", "")];
    return typeof content === "string" ? Buffer.from(content, "latin1") : content;
  },
});

test("mail is taken for listed domains, and for those below listed suffixes", async () => {
  const more = cdbBytes([
    ["big.example", ""],
    [".wide.example", ""],
  ]);
  const taken = await readRcptHosts(
    reader({ rcpthosts: "Example.org\n.sub.example.org\n", "morercpthosts.cdb": more }),
  );
  for (const [address, expected] of [
    ["alice@example.org", true],
    ["alice@EXAMPLE.ORG", true],
    ["a@b@example.org", true],
    ["a@example.org@b", false],
    ["alice@x.example.org", false],
    ["alice@x.sub.example.org", true],
    ["alice@.sub.example.org", true],
    ["alice@sub.example.org", false],
    ["alice@example.org.", false],
    ["alice@Big.example", true],
    ["alice@a.b.wide.example", true],
    ["alice@", false],
    ["alice", true],
    ["", true],
  ] as const) {
    assert.equal(taken(address), expected, address);
  }
});

test("without rcpthosts all mail is taken, and with an empty one none", async () => {
  assert.equal((await readRcptHosts(reader({})))("a@b"), true);
  assert.equal((await readRcptHosts(reader({ rcpthosts: "" })))("a@b"), false);
});

test("bad senders are listed by address or domain", async () => {
  const bad = await readBadMailFrom(reader({ badmailfrom: "bob@example.com\n@spam.example\n" }));
  assert.deepEqual(
    ["BOB@example.com", "ann@example.com", "x@Spam.Example", "x@y.spam.example", ""].map(bad),
    [true, false, true, false, false],
  );
});

test("local names are those in control/recipients", async () => {
  const files = { me: "example.org\n", recipients: "alice\nPostmaster:alice\n" };
  const known = await readKnownMailboxes(reader(files));
  assert.deepEqual(
    ["alice@example.org", "ALICE@Example.Org", "postmaster", "carol@example.org", "carol", "carol@b"].map(
      known,
    ),
    [true, true, true, false, false, true],
  );
  const elsewhere = await readKnownMailboxes(reader({ ...files, locals: "other.example\n" }));
  assert.deepEqual(["carol@example.org", "carol@other.example"].map(elsewhere), [true, false]);
  assert.deepEqual(
    [...(await readRecipients(reader(files)))!],
    [
      ["alice", "alice"],
      ["postmaster", "alice"],
    ],
  );
  assert.equal((await readKnownMailboxes(reader({ me: "a\n" })))("x@a"), true);
});
