import assert from "node:assert/strict";
import { test } from "node:test";
import { HopCounter } from "./hops.ts";

function hopsIn(pieces: readonly string[]): number {
  const counter = new HopCounter();
  for (const piece of pieces) counter.take(Buffer.from(piece, "latin1"));
  return counter.hops;
}

for (const [name, message, hops] of [
  ["no header", "\nReceived: x\n", 0],
  ["fields of both kinds, in any case", "Received: a\nX: y\ndelivered-to: b\nRECEIVED: c\n\nb\n", 3],
  ["the body does not count", "Subject: x\n\nReceived: x\n", 0],
  ["the middle of a line does not count", "X: received\n Received: x\n", 0],
  ["a line that ends too early", "receive\nd: x\n", 0],
  ["a field as long as the word", "received\ndelivered\n", 2],
] as const) {
  test(name, () => {
    assert.equal(hopsIn([message]), hops);
    for (let at = 1; at < message.length; at++) {
      assert.equal(hopsIn([message.slice(0, at), message.slice(at)]), hops, `cut at ${at}`);
    }
    assert.equal(hopsIn([...message]), hops, "byte by byte");
  });
}
