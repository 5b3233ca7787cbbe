import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cuts } from "../../../test/play.ts";
import { Secret } from "../checkpassword/secret.ts";
import { fieldOf, fieldsOf, LineCutter, longestLine } from "./line.ts";
import { answerIn, formatLogin, formatLookUp } from "./question.ts";

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

test("a login is one AUTH with its response at the end", () => {
  const secret = new Secret(Buffer.from("secret"));
  assert.equal(
    latin1(formatLogin(7, { user: "alice", secret, protocol: "smtp", client: "192.0.2.1", noPenalty: true })),
    "VERSION\t1\t2\nCPID\t7\nAUTH\t1\tPLAIN\tservice=smtp\tnologin\trip=192.0.2.1\tsecured\tno-penalty\tresp=AGFsaWNlAHNlY3JldA==\n",
  );
});

test("name and password come out of the response as they went in", () => {
  const octets = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(octets, octets, (user, password) => {
      const secret = new Secret(Buffer.from(password, "latin1"));
      const asked = latin1(formatLogin(7, { user, secret, protocol: "pop3", client: "", noPenalty: false }));
      const [, response = ""] = /\tresp=([A-Za-z0-9+/=]*)\n$/.exec(asked) ?? [];
      assert.equal(Buffer.from(response, "base64").toString("latin1"), `\0${user}\0${password}`);
    }),
  );
});

test("a field reads as it was written, and stays within its field", () => {
  const text = fc.string({ unit: fc.constantFrom(..."\0\x01\t\r\nab=1t\u00ff") });
  fc.assert(
    fc.property(text, text, (one, other) => {
      const line = `${fieldOf(one)}\t${fieldOf(other)}`;
      assert.doesNotMatch(line, /[\n\r\0]/);
      assert.deepEqual(fieldsOf(line), [one, other]);
    }),
  );
  assert.equal(
    latin1(formatLookUp("a\tb\n", "smtp")),
    "VERSION\t1\t1\nUSER\t1\ta\x01tb\x01n\tservice=smtp\n",
  );
});

for (const [line, answer] of [
  ["VERSION\t1\t2", undefined],
  ["VERSION\t2\t0", { is: "unable", why: "it speaks version 2 of its protocol" }],
  ["MECH\tPLAIN\tplaintext", undefined],
  ["DONE", undefined],
  [
    "OK\t1\tuser=alice\thome=/a\x01tb",
    {
      is: "right",
      parameters: new Map([
        ["user", "alice"],
        ["home", "/a\tb"],
      ]),
      locked: false,
    },
  ],
  ["OK\t2\tuser=alice", undefined],
  ["OK\t1\tnologin", { is: "right", parameters: new Map([["nologin", ""]]), locked: true }],
  [
    "USER\t1\talice\tuid=7",
    {
      is: "found",
      parameters: new Map([
        ["alice", ""],
        ["uid", "7"],
      ]),
    },
  ],
  ["NOTFOUND\t1", { is: "notFound" }],
  ["FAIL\t1\tuser=alice", { is: "wrong" }],
  ["FAIL\t1\tuser=alice\ttemp", { is: "unable", why: "it has a temporary failure of its own" }],
  ["CONT\t1\tAAAA", { is: "unable", why: "it asks for more than name and password" }],
  ["", undefined],
] as const) {
  test(`the line ${JSON.stringify(line)}`, () => assert.deepEqual(answerIn(line), answer));
}

test("lines are the same in every cut, and none grows without end", () => {
  for (const cut of cuts(Buffer.from("VERSION\t1\t2\n\nOK\t1\n"))) {
    const cutter = new LineCutter();
    assert.deepEqual(
      cut.flatMap((piece) => cutter.push(piece)),
      ["VERSION\t1\t2", "", "OK\t1"],
    );
  }
  assert.equal(new LineCutter().push(Buffer.alloc(longestLine + 1, "a")), undefined);
});
