import assert from "node:assert/strict";
import { test } from "node:test";
import { Misused } from "../getopt.ts";
import { certificateOf, forgetCertificate } from "./certificate.ts";
import { tlsInChain } from "./in-chain.ts";
import { ioLetters, offerLetters, tlsOptions } from "./options.ts";

test("what s6-tlsd-io is told is what s6-ucspitlsd was told, but for what is its own", () => {
  const { passedOn, rest, clean } = tlsOptions("-SYZ -v2 -K 5000 -k1 -J -- prog -x".split(" "), offerLetters);
  assert.deepEqual(passedOn, ["-S", "-Y", "-v2", "-K5000", "-k1", "-J"]);
  assert.deepEqual([rest, clean], [["prog", "-x"], false]);
  const again = tlsOptions(passedOn, ioLetters);
  assert.deepEqual(
    [again.clients, again.verbosity, again.handshakeSeconds, again.sniLevel, again.goodbyeWanted],
    ["optional", 2, 5, 1, true],
  );
});

test("the last of -y and -Y counts; a handshake has 26 seconds, unless it may take as long as it does", () => {
  const options = (line: string) => tlsOptions(line.split(" "), offerLetters);
  assert.equal(options("-y -Y p").clients, "optional");
  assert.equal(options("-Yy p").clients, "mandatory");
  assert.equal(options("p").handshakeSeconds, 26);
  assert.ok(options("-K0 p").handshakeSeconds > 1_000_000);
  assert.throws(() => options("-K soon p"), Misused);
  assert.throws(() => options("-d 3 p"), Misused);
});

const env = new Map([
  ["KEYFILE", "k"],
  ["CERTFILE", "c"],
  ["KEYFILE:mx.example", "k1"],
  ["CERTFILE:mx.example", "c1"],
  ["CAFILE", "ca"],
  ["TLS_UID", "7"],
  ["OTHER", "stays"],
]);

test("which pairs there are depends on -k", () => {
  const files = (sniLevel: number) =>
    certificateOf({ sniLevel, clients: "unasked", goodbyeWanted: false }, env);
  assert.deepEqual([files(0).certFile, files(0).names], ["c", []]);
  assert.deepEqual(files(1).names, [{ name: "mx.example", certFile: "c1", keyFile: "k1" }]);
  assert.deepEqual([files(1).certFile, files(1).namesOnly], ["c", false]);
  assert.deepEqual([files(2).certFile, files(2).namesOnly], ["c1", true]);
  assert.deepEqual([files(0).uid, files(0).gid], [7, undefined]);
});

for (const [why, names, missing] of [
  ["a key", ["CERTFILE"], /KEYFILE is not set/],
  ["a certificate", ["KEYFILE"], /CERTFILE is not set/],
  ["authorities", ["KEYFILE", "CERTFILE"], /neither CADIR nor CAFILE is set/],
] as const) {
  test(`without ${why} it says so`, () => {
    const some = new Map(names.map((name) => [name, "file"]));
    assert.throws(
      () => certificateOf({ sniLevel: 0, clients: "mandatory", goodbyeWanted: false }, some),
      missing,
    );
  });
}

test("the next program does not learn where keys are", () => {
  const left = new Map(env);
  forgetCertificate(left);
  assert.deepEqual([...left], [["OTHER", "stays"]]);
});

const chain = (line: string, variables = env) => tlsInChain(line.split(" "), variables);

test("a program in the chain that offers TLS is found, with its options", () => {
  const found = chain(
    "s6-tcpserver-access -l 0 -- s6-ucspitlsd -v2 -K 1500 -- s6-setuidgid qmaild fixsmtpio",
  );
  assert.deepEqual(found?.offer, { program: "s6-ucspitlsd", verbosity: 2 });
  assert.equal(found?.handshakeSeconds, 1.5);
  assert.deepEqual([...(found?.env ?? [])], [["OTHER", "stays"]]);
  assert.equal(chain("/command/s6-tlsd -Z authup pop3")?.env.size, env.size);
});

test("behind a program of somebody else's it is that one's matter, as is a wrong command line", () => {
  assert.equal(chain("env KEYFILE=other s6-ucspitlsd fixsmtpio", new Map()), undefined);
  assert.equal(chain("s6-ucspitlsd -Q fixsmtpio"), undefined);
  assert.equal(chain("fixsmtpio qmail-smtpd"), undefined);
});
