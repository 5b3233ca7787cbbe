import assert from "node:assert/strict";
import { test } from "node:test";
import { Misused, parseOptions, tcpserver } from "./options.ts";

const words = (line: string) => line.split(" ");

test("the published submission script starts", () => {
  const options = parseOptions(words("-ne -vRl0 0 587 authup smtp checkpassword"));
  assert.equal(options.delayed, true);
  assert.equal(options.tcpEnvironment, true);
  assert.equal(options.verbosity, 2);
  assert.equal(options.localHost, "0");
  assert.deepEqual([options.host, options.port], ["0", "587"]);
  assert.deepEqual(options.argv, ["authup", "smtp", "checkpassword"]);
});

const accepted: Record<string, [string, Partial<ReturnType<typeof parseOptions>>]> = {
  "a value in the same word": ["-c40 -u1000 h 1 p", { limit: 40, uid: 1000 }],
  "a value in the next word": ["-c 40 -g 7 h 1 p", { limit: 40, gid: 7 }],
  "letters in a row, the last with a value": [
    "-vRHl mx.example h 1 p",
    { localHost: "mx.example", lookUpRemote: false },
  ],
  "two dashes end the options": ["-v -- h 1 p", { host: "h" }],
  "the program's own options are not ours": ["h 1 rblsmtpd -r list", { argv: ["rblsmtpd", "-r", "list"] }],
  "TLS at once is the default": ["h 1 p", { delayed: false, limit: 1000, verbosity: 1 }],
};
for (const [name, [line, expected]] of Object.entries(accepted)) {
  test(name, () => {
    const options = parseOptions(words(line));
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(options[key as keyof typeof options], value, key);
    }
  });
}

test("a script as it is found on servers starts", () => {
  const options = parseOptions(
    words("-4 -6 -seVn -Rp -l mx.example -c 90 -Xx rules.cdb -u 1 -g 2 :0 smtp rblsmtpd qmail-smtpd"),
  );
  const { four, six, rules, rulesOptional, paranoid, host, port } = options;
  assert.deepEqual([four, six, rules, rulesOptional, paranoid], [true, true, "rules.cdb", true, true]);
  assert.deepEqual([host, port], [":0", "smtp"]);
});

test("tcpserver has defaults and letters of its own", () => {
  const options = parseOptions(words("-v -I eth0 -R h 1 p"), tcpserver);
  assert.deepEqual([options.tcpEnvironment, options.noDelay, options.scope], [true, false, "eth0"]);
  assert.throws(() => parseOptions(words("-n h 1 p"), tcpserver), /illegal option -- n/);
});

const refused: Record<string, [string, RegExp]> = {
  "an unknown letter": ["-k h 1 p", /illegal option -- k/],
  "a value that is missing": ["-c", /requires an argument -- c/],
  "a limit that is no number": ["-c many h 1 p", /-c needs a number, not "many"/],
  "a uid that a shell left empty": ["-u -g 0 25 p", /-u needs a number, not "-g"/],
  "no program": ["h 1", /^$/],
};
for (const [name, [line, why]] of Object.entries(refused)) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => parseOptions(words(line)),
      (error) => error instanceof Misused && why.test(error.message),
    );
  });
}
