import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { begin, respond, type Step } from "./exchange.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const base64 = (text: string) => bytes(text).toString("base64");

/** What the exchange came to, in words that can be compared. */
function shown(step: Step): string {
  if ("refused" in step) return step.refused;
  if ("challenge" in step) return `334 ${step.challenge}`;
  if ("mechanism" in step) return `${step.mechanism} begins with ${told(step.initial)}`;
  if ("message" in step) return `message ${told(step.message)}`;
  return `${step.credentials.user} / ${Buffer.from(step.credentials.secret.reveal()).toString("latin1")}`;
}

const told = (octets: Uint8Array | undefined) => octets && Buffer.from(octets).toString("latin1");
const offered = ["LOGIN", "PLAIN", "SCRAM-SHA-256"];

function play(argument: string, ...responses: string[]): string {
  let step = begin(bytes(argument), offered);
  for (const response of responses) {
    assert.ok("exchange" in step, `no response was expected before ${response}`);
    step = respond(step.exchange, bytes(response));
  }
  return shown(step);
}

for (const [argument, responses, result] of [
  ["PLAIN", [], "334 "],
  ["plain " + base64("\0alice\0secret"), [], "alice / secret"],
  ["PLAIN   " + base64("\0alice\0secret") + " ", [], "alice / secret"],
  ["PLAIN", [base64("\0alice\0secret")], "alice / secret"],
  ["PLAIN", [base64("alice\0alice\0secret")], "alice / secret"],
  ["PLAIN", [base64("\0alice\0s\xe9cret\xff")], "alice / s\xe9cret\xff"], // passwords are octets
  ["PLAIN", [base64("\0al\xc3\xafce\0x")], "al\xc3\xafce / x"],
  ["PLAIN", [base64("bob\0alice\0secret")], "input"], // bob is not who was proved
  ["PLAIN", [base64("\0al\xefce\0x")], "input"], // not UTF-8
  ["PLAIN", [base64("\0alice\0secret\0")], "input"],
  ["PLAIN", [base64("\0alice\0sec\0ret")], "input"],
  ["PLAIN", [base64("\0\0secret")], "input"],
  ["PLAIN", [base64("\0alice\0")], "input"],
  ["PLAIN", [base64("alice\0secret")], "input"],
  ["PLAIN", [base64("alice")], "input"],
  ["PLAIN", [base64("\0alice\nauthup 1 checkpassword 2 attempt for bob\0x")], "input"], // a forged log line
  ["PLAIN", [base64("\0a b\0x")], "input"],
  ["PLAIN", [base64("\0a\x7f\0x")], "input"],
  ["PLAIN", [base64(`\0${"a".repeat(256)}\0x`)], "input"],
  ["PLAIN", ["*"], "cancelled"],
  ["PLAIN", [""], "input"],
  ["PLAIN", ["="], "input"],
  ["PLAIN", ["!!!!"], "input"],
  ["PLAIN =", [], "input"],
  ["PLAIN *", [], "input"], // only a response can cancel
  [`PLAIN ${base64("\0alice\0secret")} more`, [], "input"],
  ["LOGIN", [], "334 VXNlcm5hbWU6"],
  ["LOGIN", [base64("alice")], "334 UGFzc3dvcmQ6"],
  ["LOGIN " + base64("alice"), [], "334 UGFzc3dvcmQ6"],
  ["Login", [base64("alice"), base64("secret")], "alice / secret"],
  ["LOGIN", [base64("alice\0guess")], "input"], // would have shifted checkpassword's fields
  ["LOGIN", [base64("alice"), base64("sec\0ret")], "input"],
  ["LOGIN", [base64("alice"), "*"], "cancelled"],
  ["LOGIN", [base64("alice"), ""], "input"],
  ["LOGIN", ["*"], "cancelled"],
  ["LOGIN", [""], "input"],
  ["LOGIN", ["QUIT"], "input"], // is base64, of a control character
  ["LOGIN =", [], "input"],
  ["scram-sha-256", [], "SCRAM-SHA-256 begins with undefined"],
  ["SCRAM-SHA-256 " + base64("n,,n=a\0"), [], "SCRAM-SHA-256 begins with n,,n=a\0"],
  ["SCRAM-SHA-256 =", [], "SCRAM-SHA-256 begins with "],
  ["SCRAM-SHA-256 ==", [], "input"],
  ["SCRAM-SHA-256-PLUS", [], "mechanism"], // not offered here
  ["", [], "mechanism"],
  [" PLAIN", [], "mechanism"],
  ["PLAIN=", [], "mechanism"],
  ["LOGINX", [], "mechanism"],
  ["CONSTRUCTOR", [], "mechanism"],
] as [string, string[], string][]) {
  test(`AUTH ${argument} ${responses.join(" ")}: ${result}`.replace(/[^\x20-\x7e]/g, "?"), () => {
    assert.equal(play(argument, ...responses), result);
  });
}

test("a conversation gets every message as it is, the empty one too, and can be cancelled", () => {
  const response = (text: string) => shown(respond({ expects: "message" }, bytes(text)));
  assert.equal(response(base64("c=biws")), "message c=biws");
  assert.equal(response(""), "message ");
  assert.equal(response("*"), "cancelled");
  assert.equal(response("="), "input");
  assert.equal(response("!"), "input");
});

test("whatever octets come, a name is clean and a password has no NUL", () => {
  const message = fc
    .uint8Array({ maxLength: 24 })
    .map((octets) => octets.map((octet) => (octet % 7 === 0 ? 0 : octet)));
  fc.assert(
    fc.property(message, (octets) => {
      const step = begin(bytes(`PLAIN ${Buffer.from(octets).toString("base64")}`), offered);
      if (!("credentials" in step)) return;
      assert.doesNotMatch(step.credentials.user, /[\x00-\x20\x7f]/);
      assert.equal(step.credentials.secret.reveal().includes(0), false);
    }),
  );
});
