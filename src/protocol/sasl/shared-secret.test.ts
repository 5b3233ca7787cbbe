import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../checkpassword/secret.ts";
import { isApop, isCramMd5, readDigest } from "./shared-secret.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

test("the example of RFC 2195", () => {
  const challenge = bytes("<1896.697170952@postoffice.reston.mci.net>");
  const digest = readDigest(bytes("tim b913a602c7eda7a495b4e6e7334d3890"));
  assert.ok(digest !== undefined);
  assert.equal(digest.user, "tim");
  assert.equal(isCramMd5(digest, challenge, new Secret(bytes("tanstaaftanstaaf"))), true);
  assert.equal(isCramMd5(digest, challenge, new Secret(bytes("tanstaaftanstaaF"))), false);
  assert.equal(isCramMd5(digest, bytes("<1897.1@x>"), new Secret(bytes("tanstaaftanstaaf"))), false);
});

test("the example of RFC 1939", () => {
  const stamp = bytes("<1896.697170952@dbc.mtview.ca.us>");
  const digest = readDigest(bytes("mrose c4c9334bac560ecc979e58001b3e22fb"));
  assert.ok(digest !== undefined);
  assert.equal(isApop(digest, stamp, new Secret(bytes("tanstaaf"))), true);
  assert.equal(isApop(digest, stamp, new Secret(bytes("tanstaag"))), false);
});

for (const bad of [
  "",
  "tim",
  "tim ",
  " b913a602c7eda7a495b4e6e7334d3890",
  "tim b913a602c7eda7a495b4e6e7334d389",
  "tim b913a602c7eda7a495b4e6e7334d38900",
  "tim b913a602c7eda7a495b4e6e7334d389g",
  "ti m b913a602c7eda7a495b4e6e7334d3890",
  "ti\0m b913a602c7eda7a495b4e6e7334d3890",
  "t\xefm b913a602c7eda7a495b4e6e7334d3890",
  "tim b913a602c7eda7a495b4e6e7334d3890\n",
]) {
  test(`${JSON.stringify(bad)} is no response`, () => assert.equal(readDigest(bytes(bad)), undefined));
}
