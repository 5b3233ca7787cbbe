import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryLog } from "./log.ts";

test("what is logged at about the same time is one write, and as many lines as it was", async () => {
  const written: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const log = new DeliveryLog((lines) => {
    written.push(lines.toString("latin1"));
    resolve();
  });
  log.newMessage(7, { sizeOctets: 90, sender: "bob\nnew msg 8@example.com", pid: "12", uid: 1000 });
  log.ended(1, { how: "success", text: "did 1+0+0\n" });
  await promise;
  assert.deepEqual(written, [
    "new msg 7\n" +
      "info msg 7: bytes 90 from <bob?new msg 8@example.com> qp 12 uid 1000\n" +
      "delivery 1: success: did_1+0+0/\n",
  ]);
});
