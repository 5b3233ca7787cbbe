import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { preparedName, preparedSecret } from "./prepare.ts";

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");

for (const [given, result] of [
  ["alice", "alice"],
  ["I\u00adX", "IX"], // RFC 4013 §3: the soft hyphen goes
  ["\u00aa", "a"],
  ["\u2168", "IX"],
  ["cafe\u0301", "caf\u00e9"], // as a Macintosh sends it
  ["\u0627\u0031", "\u0627\u0031"], // prohibited: stays as it is
] as const) {
  test(`${JSON.stringify(given)} is prepared to ${JSON.stringify(result)}`, async () => {
    assert.equal(await preparedName(latin1(given)), latin1(result));
    const secret = await preparedSecret(new Secret(Buffer.from(given)));
    assert.equal(Buffer.from(secret.reveal()).toString(), result);
  });
}

test("octets that are no UTF-8 stay as they are", async () => {
  const secret = await preparedSecret(new Secret(Buffer.from("p\xe9", "latin1")));
  assert.equal(Buffer.from(secret.reveal()).toString("latin1"), "p\xe9");
});
