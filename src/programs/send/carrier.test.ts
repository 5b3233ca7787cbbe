import assert from "node:assert/strict";
import { test } from "node:test";
import { uniqueIdOf } from "../../protocol/pop3/transaction-state.ts";
import { fileName, isLooping, splitAddress } from "./carrier.ts";

for (const [address, localPart, host] of [
  ["alice@example.org", "alice", "example.org"],
  ["a@b@c", "a@b", "c"],
  ["alice", "alice", undefined],
  ["@x", "", "x"],
] as const) {
  test(`the parts of ${address}`, () => assert.deepEqual(splitAddress(address), { localPart, host }));
}

for (const [me, name] of [
  ["mx.example", "1795367603.M2R3.mx.example"],
  ["../../etc:x", "1795367603.M2R3...-..-etc-x"],
  ["a".repeat(255), `1795367603.M2R3.${"a".repeat(24)}`],
] as const) {
  test(`a file on ${me.slice(0, 20)} has a name that POP3 can say`, () => {
    const file = fileName({ id: 2, arrived: 1_795_367_603_999 }, 3, me);
    assert.equal(file, name);
    assert.equal(uniqueIdOf(`${file}:2,S`), name);
  });
}

const line = "Delivered-To: alice@example.org\n";
for (const [content, looping] of [
  [`${line}\nbody`, true],
  [`Subject: x\n${line}\n`, true],
  [`Subject: x\n\n${line}`, false], // of the body
  [`X-${line}\n`, false],
  ["", false],
] as const) {
  test(`${JSON.stringify(content)} ${looping ? "was" : "was not"} here before`, () => {
    assert.equal(isLooping(Buffer.from(content), line), looping);
  });
}
