import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHash, matches, unmatchable } from "../control/password-hash.ts";
import { verify } from "../control/users.ts";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { Authenticator } from "./authenticator.ts";
import type { Backend } from "./backend.ts";
import { Busy } from "./fair-queue.ts";
import { KnownGood } from "./known-good.ts";
import { PenaltyBook, usualRules } from "./penalty.ts";

// "password", at the price of a test.
const cheap = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const reader = (hash: string) => {
  const bytes = Buffer.from(
    `alice:${hash}:1000:1000::/home/alice:\nroot:${cheap}:0:0::/root:\nlocked:*:9:9:::\n`,
  );
  return { home: () => "/srv", readFile: async () => bytes };
};
const users = reader(cheap);

function authenticator(change: { waitingEach?: number; refusalScore?: number } = {}) {
  const seen = { checks: 0, slept: [] as number[], now: 0 };
  const made = new Authenticator({
    book: new PenaltyBook({ ...usualRules, refusalScore: change.refusalScore ?? usualRules.refusalScore }),
    known: new KnownGood({ lastsSeconds: 60 }),
    limits: { atOnce: 1, waitingEach: change.waitingEach ?? 100, waiting: 100 },
    now: () => seen.now,
    sleep: async (seconds) => {
      seen.slept.push(seconds);
    },
  });
  const backend = (from: typeof users): Backend => ({
    verify: ({ user, secret }, check) =>
      verify(from, user, secret, (hash) =>
        check(
          () => {
            seen.checks += 1;
            return matches(hash, secret);
          },
          Buffer.concat([hash.salt, hash.tag]),
        ),
      ),
  });
  const ask = (user: string, password: string, client = "192.0.2.1", from = users) => {
    const secret = new Secret(Buffer.from(password));
    return made.answer(backend(from), { client, user, secret, timestamp: "" });
  };
  return { seen, ask, made };
}

test("who was right a moment ago does not pay again, until the password changes or time has passed", async () => {
  const { seen, ask } = authenticator();
  assert.equal((await ask("alice", "password"))?.uid, 1000);
  assert.equal((await ask("alice", "password"))?.uid, 1000);
  assert.equal(seen.checks, 1);
  const changed = reader(formatHash(unmatchable({ memoryKibibytes: 64, passes: 1, lanes: 1 })));
  assert.equal(await ask("alice", "password", "192.0.2.1", changed), undefined);
  assert.equal(seen.checks, 2);
  seen.now = 61_000;
  await ask("alice", "password");
  assert.equal(seen.checks, 3);
});

test("every wrong answer costs one slow check, whatever was wrong", async () => {
  for (const [user, password] of [
    ["alice", "guess"],
    ["nobody", "password"],
    ["root", "password"],
    ["locked", "*"],
    ["", ""],
  ] as const) {
    const { seen, ask } = authenticator();
    assert.equal(await ask(user, password), undefined);
    assert.equal(await ask(user, password), undefined);
    assert.equal(seen.checks, 2, user);
  }
});

test("a backend that does not show what it compares with is asked each time", async () => {
  const { seen, made } = authenticator();
  const hidden: Backend = {
    verify: async (_, check) => {
      const right = await check(async () => {
        seen.checks += 1;
        return true;
      });
      return right ? { user: "alice", uid: 1, gid: 1, home: "/", shell: "" } : undefined;
    },
  };
  for (let login = 0; login < 3; login++) {
    const secret = new Secret(Buffer.from("password"));
    const answer = await made.answer(hidden, {
      client: "192.0.2.1",
      user: "alice",
      secret,
      timestamp: "",
    });
    assert.equal(answer?.uid, 1);
  }
  assert.equal(seen.checks, 3);
});

test("guesses wait longer and longer, and then are not even looked at", async () => {
  const { seen, ask } = authenticator({ refusalScore: 8 });
  for (let guess = 0; guess < 8; guess++) await ask("alice", `guess ${guess}`);
  assert.deepEqual(seen.slept, [0.5, 1, 2, 4]);
  assert.equal(seen.checks, 8);
  assert.equal(await ask("alice", "password"), undefined);
  assert.equal(seen.checks, 8);
  assert.equal((await ask("alice", "password", "203.0.113.9"))?.user, "alice");
});

test("whoever was known before goes on, also from a network that is turned away", async () => {
  const { ask } = authenticator({ refusalScore: 5 });
  await ask("alice", "password");
  for (let guess = 0; guess < 6; guess++) await ask("alice", `guess ${guess}`);
  assert.equal((await ask("alice", "password"))?.user, "alice");
});

test("guesses made at once wait as if they had been made one after the other", async () => {
  const { seen, ask } = authenticator();
  await Promise.all(Array.from({ length: 10 }, (_, guess) => ask("alice", `guess ${guess}`)));
  assert.deepEqual(
    seen.slept.toSorted((a, b) => a - b),
    [0.5, 1, 2, 4, 8, 16],
  );
});

test("more than a client may have waiting is refused for the moment", async () => {
  const { ask } = authenticator({ waitingEach: 2 });
  const [first, second, third] = await Promise.allSettled(
    ["a", "b", "c"].map((password) => ask("alice", password)),
  );
  assert.equal(first?.status, "fulfilled");
  assert.equal(second?.status, "fulfilled");
  assert.ok(third?.status === "rejected" && third.reason instanceof Busy);
});
