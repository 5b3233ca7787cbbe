import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scramFinal } from "../../../test/scram-client.ts";
import { Secret } from "../checkpassword/secret.ts";
import { bindingFits, checkClientFinal, readClientFirst, scramVerifier, serverFirst } from "./scram.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

/** RFC 7677 §3 */
const example = {
  first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  ourNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  salt: Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"),
  challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  final:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  proved: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};
const verifier = await scramVerifier(new Secret(bytes("pencil")), example.salt, 4096);

function exchangeFrom(first: string) {
  const client = readClientFirst(bytes(first));
  assert.ok(client !== undefined);
  return serverFirst(client, verifier, example.ourNonce);
}

test("the example of RFC 7677, word for word", () => {
  const exchange = exchangeFrom(example.first);
  assert.equal(exchange.challenge, example.challenge);
  assert.deepEqual(checkClientFinal(exchange, bytes(example.final), undefined), { proved: example.proved });
});

for (const [first, user, flag] of [
  ["n,,n=user,r=abc", "user", "cannot"],
  ["y,,n=user,r=abc", "user", "thinks we cannot"],
  ["p=tls-exporter,,n=user,r=abc", "user", { binds: "tls-exporter" }],
  ["n,a=user,n=user,r=abc", "user", "cannot"],
  ["n,a=,n=user,r=abc", "user", "cannot"], // gsasl(1)
  ["n,,n=a=2Cb=3Dc,r=abc", "a,b=c", "cannot"],
  ["n,,n=us\xc3\xa9r,r=abc", "us\xc3\xa9r", "cannot"],
  ["n,,n=user,r=abc,x=anything", "user", "cannot"], // extensions that are no concern of ours
  ["n,a=root,n=user,r=abc", undefined], // acts for somebody else
  ["n,,n=,r=abc", undefined],
  ["n,,n=a b,r=abc", undefined],
  ["n,,n=a\nb,r=abc", undefined],
  ["n,,n=us\xe9r,r=abc", undefined],
  ["n,,n=a=2cb,r=abc", undefined],
  ["n,,n=a=,r=abc", undefined],
  ["n,,n=user,r=", undefined],
  ["n,,n=user,r=a\x7f", undefined],
  ["n,,m=x,n=user,r=abc", undefined], // RFC 5802 §5.1: an extension that must be understood
  ["p=,,n=user,r=abc", undefined],
  ["p,,n=user,r=abc", undefined],
  ["z,,n=user,r=abc", undefined],
  ["n,n=user,r=abc", undefined],
  ["n=user,r=abc", undefined],
  ["", undefined],
] as const) {
  test(`client-first-message ${JSON.stringify(first)}`, () => {
    const client = readClientFirst(bytes(first));
    assert.equal(client?.user, user);
    if (flag !== undefined) assert.deepEqual(client?.flag, flag);
  });
}

for (const [what, final, refused] of [
  ["another proof", example.final.replace("p=d", "p=e"), "unacceptable"],
  ["another nonce", example.final.replace("r=rOpr", "r=rOps"), "unacceptable"],
  ["the client's nonce alone", example.final.replace("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""), "unacceptable"],
  ["another header", example.final.replace("c=biws", "c=eSws"), "unacceptable"],
  ["a channel binding nobody agreed on", example.final.replace("c=biws", "c=biwsYWJj"), "unacceptable"],
  ["no proof", example.final.replace(/,p=.*/, ""), "malformed"],
  ["an empty proof", example.final.replace(/p=.*/, "p="), "malformed"],
  ["a short proof", example.final.replace(/p=.*/, "p=AAAA"), "malformed"],
  ["base64 that is none", example.final.replace("c=biws", "c=biw"), "malformed"],
  ["nothing", "", "malformed"],
] as const) {
  test(`client-final-message with ${what}: ${refused}`, () => {
    assert.deepEqual(checkClientFinal(exchangeFrom(example.first), bytes(final), undefined), { refused });
  });
}

test("channel binding: what the client says, what it chose and what was offered must fit", () => {
  const fits = (first: string, plus: boolean, offered: boolean) => {
    const client = readClientFirst(bytes(`${first},,n=user,r=abc`));
    return client !== undefined && bindingFits(client, { plus, offered });
  };
  assert.equal(fits("p=tls-exporter", true, true), true);
  assert.equal(fits("p=tls-unique", true, true), false); // RFC 9266 §3: not defined for TLS 1.3
  assert.equal(fits("p=tls-exporter", true, false), false);
  assert.equal(fits("p=tls-exporter", false, true), false);
  assert.equal(fits("n", true, true), false);
  assert.equal(fits("y", true, true), false);
  assert.equal(fits("n", false, true), true);
  assert.equal(fits("n", false, false), true);
  assert.equal(fits("y", false, false), true);
  assert.equal(fits("y", false, true), false, "the offer of -PLUS was taken away on its way");
});

test("only the right password on the right channel is a proof", async () => {
  const salt = Buffer.alloc(16, 7);
  const few = await scramVerifier(new Secret(bytes("secret")), salt, 2);
  const channel = Buffer.alloc(32, 9);
  const first = "p=tls-exporter,,n=alice,r=nonce";
  const exchange = serverFirst(readClientFirst(bytes(first))!, few, "more");
  const verdict = (password: string, theirs: Uint8Array) =>
    checkClientFinal(exchange, bytes(scramFinal(password, first, exchange.challenge, theirs)), channel);
  assert.ok("proved" in verdict("secret", channel));
  assert.deepEqual(verdict("Secret", channel), { refused: "unacceptable" });
  assert.deepEqual(
    verdict("secret", Buffer.alloc(32, 8)),
    { refused: "unacceptable" },
    "somebody in between",
  );
});

test("whatever comes, there is an answer", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."npy=,arcv+/A=2C\xff\0 ") }), (text) => {
      readClientFirst(bytes(text));
      const verdict = checkClientFinal(exchangeFrom(example.first), bytes(text), undefined);
      assert.ok("refused" in verdict);
    }),
  );
});
