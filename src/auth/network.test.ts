import assert from "node:assert/strict";
import { test } from "node:test";
import { loopback, networkOf, networks } from "./network.ts";

for (const [address, network] of [
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"], // one client, whichever way the socket names him
  ["::ffff:c000:201", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["1::", "1:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
  ["", undefined],
  ["unknown", undefined],
  ["192.0.2", undefined],
  ["2001:db8::1::2", undefined],
] as const) {
  test(`${address || "nothing"} is in ${network ?? "no network"}`, () => {
    assert.equal(networkOf(address), network);
  });
}

test("a list of networks knows its members, in either form", () => {
  const list = networks([...loopback, "192.0.2.7", "2001:db8::/32"]);
  for (const address of [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "192.0.2.7",
    "::ffff:127.0.0.1",
    "2001:db8:ffff::1",
  ])
    assert.equal(list.has(address), true, address);
  for (const address of ["128.0.0.1", "::2", "192.0.2.8", "2001:db9::1", "", "x"])
    assert.equal(list.has(address), false, address);
});

test("a list that cannot be meant so is refused with the text at fault", () => {
  for (const text of ["10.0.0.0/33", "10.0.0/8", "::/129", "localhost", "10.0.0.0/", "10.0.0.0/-1"])
    assert.throws(() => networks([text]), {
      name: "RangeError",
      message: `${text} is no address and no network`,
    });
});
