import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stored } from "../backend.ts";
import { xoauth2 } from "./bearer.ts";
import type { Peer } from "./converse.ts";

const account = { user: "alice", uid: 1000, gid: 1000, home: "/", shell: "" };
const opening = { mechanism: "XOAUTH2", binding: "", certificate: [] };

/** A client with a token, whose name for itself is bob, and a database that counts what it is asked. */
function scene() {
  const asked: string[] = [];
  const peer: Peer = {
    initial: Buffer.from("user=bob\x01auth=Bearer abc\x01\x01"),
    challenge: async () => new Uint8Array(0),
  };
  const stored = {
    userOfToken: async () => {
      asked.push("token");
      return "alice";
    },
    account: async (user: string) => {
      asked.push(user);
      return account;
    },
  } as Partial<Stored> as Stored;
  return { asked, peer, stored };
}

test("a token is not looked at before it is its turn, and not at all when the client is turned away", async () => {
  const { asked, peer, stored } = scene();
  const judge = async (user: string) => {
    assert.equal(user, "bob");
    assert.deepEqual(asked, []);
    return false;
  };
  assert.deepEqual(await xoauth2(peer, { stored, judge }, opening), { refused: "bob" });
  assert.deepEqual(asked, []);
});

test("whose token it is decides, once it was looked at", async () => {
  const { asked, peer, stored } = scene();
  const judge = (_user: string, work: () => Promise<boolean>) => work();
  assert.deepEqual(await xoauth2(peer, { stored, judge }, opening), { account, user: "alice" });
  assert.deepEqual(asked, ["token", "alice"]);
});
