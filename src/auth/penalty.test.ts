import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PenaltyBook, usualRules } from "./penalty.ts";

const rules = { ...usualRules, halfLifeSeconds: 100, capacity: 50 };
const start = 1_000_000;
const seconds = (count: number) => start + count * 1000;

/** A book in which `client` guessed `times` different passwords of `account`. */
function guessed(times: number, client = "192.0.2.1", account = "alice"): PenaltyBook {
  const book = new PenaltyBook(rules);
  for (let guess = 0; guess < times; guess++) book.failed(client, account, `${account} ${guess}`, start);
  return book;
}

test("a few mistakes cost nothing, more cost more, and there is a longest wait", () => {
  const delays = [0, 3, 4, 5, 6, 7, 8, 9, 10, 20].map((times) =>
    guessed(times).delaySeconds("192.0.2.1", "bob", start),
  );
  assert.deepEqual(delays, [0, 0, 0.5, 1, 2, 4, 8, 16, 16, 16]);
});

test("an account that is guessed at from everywhere answers slowly, but it answers", () => {
  const book = new PenaltyBook(rules);
  for (let host = 1; host <= 200; host++) book.failed(`198.51.100.${host}`, "alice", `${host}`, start);
  assert.equal(book.delaySeconds("192.0.2.1", "alice", start), rules.longestDelaySeconds.account);
  assert.equal(book.delaySeconds("192.0.2.1", "bob", start), 0);
  assert.equal(book.refusedSeconds("192.0.2.1", start) > 0, false);
});

test("whether there is such an account makes no difference", () => {
  const unknown = guessed(7, "192.0.2.1", "nobody-of-that-name");
  assert.equal(
    unknown.delaySeconds("192.0.2.1", "alice", start),
    guessed(7).delaySeconds("192.0.2.1", "bob", start),
  );
});

test("a network with too much is turned away until some of it has decayed", () => {
  const book = guessed(rules.refusalScore);
  assert.equal(book.refusedSeconds("192.0.2.1", start) > 0, true);
  assert.equal(book.refusedSeconds("192.0.2.2", start) > 0, false);
  assert.equal(book.refusedSeconds("192.0.2.1", seconds(10)) > 0, false);
  assert.equal(book.delaySeconds("192.0.2.1", "bob", seconds(400)), 0);
});

test("a customer's IPv6 addresses are one network; an IPv4 client is the same in both notations", () => {
  const book = guessed(rules.refusalScore, "2001:db8:1:2::1");
  assert.equal(book.refusedSeconds("2001:db8:1:2:ffff::9", start) > 0, true);
  assert.equal(book.refusedSeconds("2001:db8:1:3::1", start) > 0, false);
  assert.equal(guessed(rules.refusalScore).refusedSeconds("::ffff:192.0.2.1", start) > 0, true);
});

test("ourselves and what is no address are never kept waiting by network", () => {
  for (const client of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
    const book = guessed(100, client, "bob");
    assert.equal(book.refusedSeconds(client, start) > 0, false);
    assert.equal(book.delaySeconds(client, "bob", start), 0);
  }
  assert.equal(guessed(100, "").refusedSeconds("", start) > 0, false);
});

test("an old password that is tried for ever is one guess", () => {
  const book = new PenaltyBook(rules);
  for (let minute = 0; minute < 1000; minute++) book.failed("192.0.2.1", "alice", "old", start);
  assert.equal(book.delaySeconds("192.0.2.1", "alice", start), 0);
});

test("a right password forgives what was mistyped, not what was guessed", () => {
  const mistyped = guessed(3);
  mistyped.succeeded("192.0.2.1", start);
  mistyped.failed("192.0.2.1", "bob", "new", start);
  assert.equal(mistyped.delaySeconds("192.0.2.1", "bob", start), 0);
  const guesser = guessed(10);
  guesser.succeeded("192.0.2.1", start);
  assert.ok(guesser.delaySeconds("192.0.2.1", "bob", start) > 0);
});

test("forgiving strikes out an address, its network or an account", () => {
  const book = guessed(10, "2001:db8::7");
  assert.equal(book.forgive("2001:db8::8"), 1);
  assert.equal(book.forgive("2001:db8::8"), 0);
  assert.equal(book.forgive("alice"), 1);
  assert.deepEqual(book.entries(start), []);
});

test("a restart forgets nothing that matters", () => {
  const book = guessed(10);
  const again = new PenaltyBook(rules);
  again.restore(JSON.parse(JSON.stringify(book.entries(seconds(50)))));
  for (const later of [50, 60, 200, 1000]) {
    const difference =
      again.delaySeconds("192.0.2.1", "alice", seconds(later)) -
      book.delaySeconds("192.0.2.1", "alice", seconds(later));
    assert.ok(Math.abs(difference) < 1e-9);
  }
});

test("a flood of names forgets the light and keeps the heavy", () => {
  const book = guessed(20);
  for (let flood = 0; flood < 1000; flood++) book.failed("198.51.100.1", `name${flood}`, `${flood}`, start);
  assert.ok(book.entries(start).length <= 2 * rules.capacity);
  assert.ok(book.delaySeconds("203.0.113.1", "alice", start) > 0);
});

test("time only makes it better, and a clock set back does not make it worse", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(1000), fc.nat(1000), (times, one, other) => {
      const book = guessed(times);
      const delay = (at: number) => book.delaySeconds("192.0.2.1", "alice", seconds(at));
      assert.ok(delay(Math.max(one, other)) <= delay(Math.min(one, other)));
      assert.equal(delay(-one), delay(0));
    }),
  );
});
