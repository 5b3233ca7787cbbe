import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addTlsHeader, tlsLine } from "./addtlsheader.ts";
import { pipe } from "./stage.ts";

const tls = { SSL_PROTOCOL: "TLSv1.3", SSL_CIPHER: "X" };
const lineFor = (env: Record<string, string>) => tlsLine({ env: new Map(Object.entries(env)), now: 0 });

for (const [env, words] of [
  [{}, undefined],
  [{ SSL_PROTOCOL: "TLSv1.3" }, undefined],
  [{ SSL_CIPHER: "X", FIXSMTPIOTLS: "1", AUTHUP_USER: "alice" }, undefined],
  [tls, "ucspitls TLSv1.3 X"],
  [{ SSL_PROTOCOL: "", SSL_CIPHER: "" }, "ucspitls  "], // set is set
  [{ ...tls, AUTHUP_USER: "alice" }, "ucspitls acceptutils authup alice TLSv1.3 X"],
  [{ ...tls, FIXSMTPIOTLS: "", AUTHUP_USER: "alice" }, "ucspitls acceptutils fixsmtpio TLSv1.3 X"],
  // The original wrote the name raw: a line end in it added a field.
  [{ ...tls, AUTHUP_USER: "a\nX-Added: 1" }, "ucspitls acceptutils authup a?X-Added:?1 TLSv1.3 X"],
  [{ ...tls, AUTHUP_USER: "a)(\\\xe9" }, "ucspitls acceptutils authup a???? TLSv1.3 X"],
] as const) {
  test(`${JSON.stringify(env)}: ${words}`, () => {
    const line = words === undefined ? undefined : `Received: (${words}); 1 Jan 1970 00:00:00 -0000\n`;
    assert.equal(lineFor(env as Record<string, string>), line);
  });
}

test("whatever is in the environment, it is one line", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (SSL_PROTOCOL, SSL_CIPHER, AUTHUP_USER) => {
      assert.match(
        lineFor({ SSL_PROTOCOL, SSL_CIPHER, AUTHUP_USER })!,
        /^Received: \([^()\\\n]*\); [^\n]*\n$/,
      );
    }),
  );
});

test("the message follows unchanged", async () => {
  async function* message() {
    yield Buffer.from("Subject: x\r\n");
    yield Buffer.of(0, 255);
  }
  const parts: Uint8Array[] = [];
  const context = { env: new Map(Object.entries(tls)), now: 0 };
  for await (const part of pipe(addTlsHeader, addTlsHeader)(message(), context)) parts.push(part);
  const line = lineFor(tls)!;
  assert.equal(Buffer.concat(parts).toString("latin1"), `${line}${line}Subject: x\r\n\0\xff`);
});
