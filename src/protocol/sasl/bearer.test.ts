import assert from "node:assert/strict";
import { test } from "node:test";
import { readOauthBearer, readXoauth2 } from "./bearer.ts";

const shown = (bearer: ReturnType<typeof readXoauth2>) =>
  bearer && [bearer.user, Buffer.from(bearer.token.reveal()).toString()];

for (const [message, result] of [
  // RFC 7628 §4.1
  [
    "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
    ["user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="],
  ],
  ["n,,\x01auth=Bearer abc\x01\x01", ["", "abc"]],
  ["y,,\x01auth=bearer abc\x01\x01", ["", "abc"]],
  ["n,a=a=2Cb,\x01auth=Bearer abc\x01\x01", ["a,b", "abc"]],
  ["p=tls-exporter,,\x01auth=Bearer abc\x01\x01", undefined],
  ["n,a=a=b,\x01auth=Bearer abc\x01\x01", undefined],
  ["n,a=a b,\x01auth=Bearer abc\x01\x01", undefined],
  ["n,,\x01auth=Bearer abc\x01", undefined],
  ["n,,\x01auth=Bearer \x01\x01", undefined],
  ["n,,\x01auth=Bearer a b\x01\x01", undefined],
  ["n,,\x01auth=Bearer a\0\x01\x01", undefined],
  ["n,,\x01auth=Basic abc\x01\x01", undefined],
  ["n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01", undefined],
  ["n,,\x01\x01", undefined],
  ["\x01", undefined], // the client's answer to an error, when there was none
  ["", undefined],
] as const) {
  test(`OAUTHBEARER ${JSON.stringify(message)}`, () =>
    assert.deepEqual(shown(readOauthBearer(Buffer.from(message, "latin1"))), result));
}

for (const [message, result] of [
  ["user=alice\x01auth=Bearer abc\x01\x01", ["alice", "abc"]],
  ["user=\x01auth=Bearer abc\x01\x01", undefined],
  ["user=a\nb\x01auth=Bearer abc\x01\x01", undefined],
  ["auth=Bearer abc\x01\x01", undefined],
  ["user=alice\x01auth=Bearer abc", undefined],
] as const) {
  test(`XOAUTH2 ${JSON.stringify(message)}`, () =>
    assert.deepEqual(shown(readXoauth2(Buffer.from(message, "latin1"))), result));
}
