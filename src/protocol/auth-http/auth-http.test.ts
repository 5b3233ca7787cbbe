import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cuts } from "../../../test/play.ts";
import { Secret } from "../checkpassword/secret.ts";
import { type AuthHttpQuestion, formatRequest } from "./request.ts";
import { maximumOctets, parseResponse, verdictOf } from "./response.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const question = {
  path: "/auth?x",
  host: "localhost:81",
  user: "al ice%\r\n",
  protocol: "smtp",
  client: "192.0.2.1",
  header: "X-Auth-Key: k",
} as const satisfies Partial<AuthHttpQuestion>;

test("a question is one request, whatever is in name and password", () => {
  const secret = new Secret(bytes("p\u00e4:ss\nAuth-Status: OK"));
  assert.equal(
    Buffer.from(formatRequest({ ...question, secret })).toString("latin1"),
    [
      "GET /auth?x HTTP/1.0",
      "Host: localhost:81",
      "Auth-Method: plain",
      "Auth-User: al%20ice%25%0D%0A",
      "Auth-Pass: p%E4:ss%0AAuth-Status:%20OK",
      "Auth-Protocol: smtp",
      "Auth-Login-Attempt: 1",
      "Client-IP: 192.0.2.1",
      "X-Auth-Key: k",
      "\r\n",
    ].join("\r\n"),
  );
});

test("what was escaped is the same again for who reads it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (password) => {
      const request = Buffer.from(formatRequest({ ...question, secret: new Secret(password) })).toString(
        "latin1",
      );
      const [, sent = ""] = /\r\nAuth-Pass: ([!-~]*)\r\n/.exec(request) ?? [];
      const read = sent.replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      assert.deepEqual(bytes(read), Buffer.from(password));
    }),
  );
});

const answers: readonly (readonly [text: string, verdict: string])[] = [
  ["HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 192.0.2.9\r\n\r\nbody", "right"],
  ["HTTP/1.1 200\nauth-status:OK \n\n", "right"],
  ["HTTP/1.0 200 OK\r\nAuth-Status: ok\r\n\r\n", "wrong"],
  ["HTTP/1.0 200 OK\r\nAuth-Status: Invalid login or password\r\nAuth-Wait: 3\r\n\r\n", "wrong"],
  ["HTTP/1.0 200 OK\r\nAuth-Status: later\r\nAuth-Error-Code: 451 4.3.0\r\n\r\n", "unable"],
  ["HTTP/1.0 403 Forbidden\r\nAuth-Status: no\r\n\r\n", "wrong"],
  ["HTTP/1.0 500 Oops\r\nAuth-Status: OK\r\n\r\n", "unable"],
  ["HTTP/1.0 200 OK\r\n\r\n", "unable"],
  ["HTTP/2 200 OK\r\nAuth-Status: OK\r\n\r\n", "broken"],
  ["220 mx.example ESMTP\r\n\r\n", "broken"],
  ["HTTP/1.0 200 OK\r\nAuth-Status : OK\r\n\r\n", "broken"],
  ["HTTP/1.0 200 OK\r\n folded\r\n\r\n", "broken"],
  ["HTTP/1.0 200 OK\r\nAuth-Home: /a\u0000b\r\n\r\n", "broken"],
];

for (const [text, verdict] of answers) {
  test(`the answer ${JSON.stringify(text)} is ${verdict}, in every cut`, () => {
    for (const cut of cuts(bytes(text))) {
      let read = Buffer.alloc(0);
      let answer: ReturnType<typeof parseResponse>;
      for (const piece of cut) {
        read = Buffer.concat([read, piece]);
        answer = parseResponse(read);
        if (answer !== undefined) break;
      }
      assert.ok(answer !== undefined);
      assert.equal(answer === "broken" ? answer : verdictOf(answer), verdict);
    }
  });
}

test("a header without end is broken, not memory", () => {
  assert.equal(parseResponse(Buffer.alloc(maximumOctets, "a")), undefined);
  assert.equal(parseResponse(Buffer.alloc(maximumOctets + 1, "a")), "broken");
});
