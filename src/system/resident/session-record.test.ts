import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionRecord } from "./session-record.ts";

const order = ["user", "verbs", "messages", "in"];

test("a session in one line", () => {
  const record = new SessionRecord();
  record.add({ verb: "EHLO" });
  record.add({ verb: "MAIL", messages: 1, in: 100 });
  record.add({ verb: "MAIL", messages: 1, in: 20, user: "alice" });
  assert.equal(record.line(order), "user=alice verbs=EHLO:1,MAIL:2 messages=2 in=120");
});

test("what two processes saw of a session is one record", () => {
  const front = new SessionRecord();
  front.add({ verb: "EHLO", in: 5 });
  const worker = new SessionRecord();
  worker.add({ verb: "EHLO", in: 7, messages: 1 });
  front.add(worker.facts());
  assert.equal(front.line(order), "verbs=EHLO:2 messages=1 in=12");
});

test("a word that is no verb is not written down: it may be a password", () => {
  const record = new SessionRecord();
  record.add({ verb: "AGFsaWNlAHNlY3JldA==" });
  record.add({ "verb hunter2": 3 });
  assert.equal(record.line(order), "verbs=other:4");
});

test("a value cannot look like two", () => {
  const record = new SessionRecord();
  record.add({ user: 'a b"=\nmessages=9' });
  assert.equal(record.line(order), 'user="a b?=?messages=9"');
});
