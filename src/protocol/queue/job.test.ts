import assert from "node:assert/strict";
import { test } from "node:test";
import {
  localJobBytes,
  parseLocalJob,
  parseRemoteJob,
  parseReport,
  remoteJobBytes,
  reportBytes,
} from "./job.ts";

test("a job for a mailbox", () => {
  const job = { home: "/home/alice", file: "1.M2R3.mx", again: true };
  assert.deepEqual(parseLocalJob(localJobBytes(job)), job);
});

for (const file of ["../new/x", ".hidden", "a/b", ""]) {
  test(`no file is called ${JSON.stringify(file)}`, () => {
    assert.equal(parseLocalJob(localJobBytes({ home: "/home/alice", file, again: false })), undefined);
  });
}

test("a home is an absolute path", () => {
  assert.equal(parseLocalJob(localJobBytes({ home: "mail/alice", file: "1", again: false })), undefined);
});

test("a job for elsewhere", () => {
  const job = { sender: "", recipient: "b\xe9@example.org" };
  assert.deepEqual(parseRemoteJob(remoteJobBytes(job)), job);
});

for (const how of ["success", "failure", "deferral"] as const) {
  test(`a report of ${how}`, () => {
    assert.deepEqual(parseReport(reportBytes({ how, text: "did 1+0+0\n" })), { how, text: "did 1+0+0\n" });
  });
}

test("a report that is none is a deferral", () => assert.equal(parseReport(Buffer.of()).how, "deferral"));
