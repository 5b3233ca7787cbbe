import assert from "node:assert/strict";
import { test } from "node:test";
import { mostUsers, placeForUser, warmUsers } from "./user-places.ts";

const users = (count: number) => Array.from({ length: count }, (_, at) => `user ${at}`);

for (const [inAll, taking, place] of [
  [0, 0, { retire: undefined }],
  [31, 31, { retire: undefined }],
  [32, 32, { retire: "user 0" }],
  [255, 32, { retire: "user 0" }],
  [255, 3, { retire: undefined }],
  [256, 32, "none"],
  [256, 0, "none"],
] as const) {
  test(`of ${inAll} users' workers ${taking} take sessions: one more`, () => {
    assert.deepEqual(placeForUser(inAll, users(taking)), place);
  });
}

test("32 are kept, and 256 is the most", () => assert.deepEqual([warmUsers, mostUsers], [32, 256]));
