import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, reversedAddress } from "./query-name.ts";

for (const [ip, reversed] of [
  ["1.2.3.4", "4.3.2.1"],
  ["::ffff:1.2.3.4", "4.3.2.1"],
  ["::ffff:102:304", "4.3.2.1"],
  ["2001:db8::7", `7.${"0.".repeat(23)}8.b.d.0.1.0.0.2`],
  ["1:2:3:4:5:6:7:8", "8.0.0.0.7.0.0.0.6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0"],
  ["::1", `1${".0".repeat(31)}`],
  ["", undefined],
  ["unknown", undefined],
  ["1.2.3", undefined],
] as const) {
  test(`the query for ${ip}`, () => assert.equal(reversedAddress(ip), reversed));
}

test("loopback is any 127 and ::1", () => {
  assert.deepEqual(
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "128.0.0.127", "2001:db8::1", "x"].map(isLoopback),
    [true, true, true, true, false, false, false],
  );
});
