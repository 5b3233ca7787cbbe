import assert from "node:assert/strict";
import { test } from "node:test";
import { accepted, refused } from "./report.ts";

for (const [report, how, text] of [
  [accepted("mx", "250 ok"), "success", "mx accepted message.\nRemote host said: 250 ok\n"],
  [
    refused("mx", { stage: "recipient", code: 550, reply: "550-no\r\n550 such user" }),
    "failure",
    "mx does not like recipient.\nRemote host said: 550-no\n550 such user\nGiving up on mx.\n",
  ],
  [
    refused("mx", { stage: "content", code: 451, reply: "451 later\x1b" }),
    "deferral",
    "mx failed after I sent the message.\nRemote host said: 451 later?\nGiving up on mx.\n",
  ],
  [
    refused("mx", { stage: "content", code: undefined, reply: "Timeout" }),
    "deferral",
    "Connected to mx but connection died: Timeout (#4.4.2)\n",
  ],
] as const) {
  test(`${how}: ${JSON.stringify(text)}`, () => assert.deepEqual(report, { how, text }));
}
