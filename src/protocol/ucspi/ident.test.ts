import assert from "node:assert/strict";
import { test } from "node:test";
import { identQuestion, identUser } from "./ident.ts";

for (const [answer, user] of [
  ["6193, 23 : USERID : UNIX : stjohns\r\n", "stjohns"],
  ["6193,23:USERID:UNIX,US-ASCII:joe", "joe"],
  ["6193, 23 : ERROR : NO-USER\r\n", undefined],
  ["6193, 23 : USERID : UNIX : two words\r\n", undefined],
  ["6193, 23 : USERID : UNIX : \r\n", undefined],
  ["", undefined],
  [`1, 2 : USERID : UNIX : ${"a".repeat(600)}\r\n`, undefined],
] as const) {
  test(`${JSON.stringify(answer.slice(0, 40))} names ${user}`, () => assert.equal(identUser(answer), user));
}

test("the question names the client's port first", () => {
  assert.equal(identQuestion(40000, 25), "40000 , 25\r\n");
});
