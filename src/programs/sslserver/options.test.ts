import assert from "node:assert/strict";
import { test } from "node:test";
import { Misused, type Options, parseOptions, sslserver, tcpserver } from "./options.ts";

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
  "the literal chain": [
    "-v --native -c 2 h 1 p --native",
    { native: true, limit: 2, argv: ["p", "--native"] },
  ],
  "how many processes run sessions": ["-v --fronts 4 h 1 p --fronts", { fronts: 4, argv: ["p", "--fronts"] }],
  "two dashes end the options": ["-v -- h 1 p", { host: "h" }],
  "the program's own options are not ours": ["h 1 rblsmtpd -r list", { argv: ["rblsmtpd", "-r", "list"] }],
  "TLS at once is the default": ["h 1 p", { delayed: false, limit: undefined, verbosity: 1 }],
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

/** Every letter of ucspi-tcp, ucspi-tcp6, ucspi-ssl and its UCSPI-TLS patch, and fehcom's: what it changes. */
const everyLetter: Record<string, Partial<Options>> = {
  "-q": { verbosity: 0 },
  "-Q": { verbosity: 1 },
  "-v": { verbosity: 2 },
  "-c 9": { limit: 9 },
  "-C 3": { limitPerAddress: 3 },
  "-b 7": { backlog: 7 },
  "-B 220-wait": { banner: "220-wait" },
  "-d": { noDelay: false },
  "-D": { noDelay: true },
  "-o": {},
  "-O": {},
  "-h": { lookUpRemote: true },
  "-H": { lookUpRemote: false },
  "-p": { paranoid: true },
  "-P": { paranoid: false },
  "-r": { ident: true },
  "-R": { ident: false },
  "-t 5": { identSeconds: 5 },
  "-l 0": { localHost: "0" },
  "-u 1001": { uid: 1001 },
  "-g 1002": { gid: 1002 },
  "-U": { idsFromEnvironment: true },
  "-1": { printPort: true },
  "-x r.cdb": { rules: "r.cdb" },
  "-X": { rulesOptional: true },
  "-4": { four: true },
  "-6": { six: true },
};
const ofTcpserver = { ...everyLetter, "-I eth0": { scope: "eth0" } };
const ofSslserver: Record<string, Partial<Options>> = {
  ...everyLetter,
  "-V": { verbosity: 3 },
  "-T 9": { handshakeSeconds: 9 },
  "-w 60": { idleSeconds: 60 },
  "-e": { tcpEnvironment: true },
  "-E": { tcpEnvironment: false },
  "-s": { tlsEnvironment: true },
  "-S": { tlsEnvironment: false },
  "-3": { keyPassword: true },
  "-i": { clients: "required" },
  "-I": { clients: "asked" },
  "-z": { clients: "named" },
  "-Z": { clients: "asked" },
  "-m": { clients: "required" },
  "-a": {},
  "-A": {},
  "-n": { delayed: true },
  "-N": { delayed: false },
  "-y": { delayed: true },
  "-Y": { delayed: false },
  "-j": {},
  "-J": {},
};

for (const [dialect, table] of [
  [sslserver, ofSslserver],
  [tcpserver, ofTcpserver],
] as const) {
  const bare = parseOptions(words("0 25 p"), dialect);
  for (const [line, change] of Object.entries(table)) {
    test(`${dialect.server} ${line}`, () => {
      const options = parseOptions(words(`${line} 0 25 p`), dialect);
      assert.deepEqual(options, { ...bare, ...change });
    });
  }
  test(`${dialect.server}: the table has every letter, and so has the usage`, () => {
    const letters = dialect.letters.replaceAll(":", "");
    assert.equal(
      sorted(letters),
      sorted(
        Object.keys(table)
          .map((line) => line[1]!)
          .join(""),
      ),
    );
    const [, flags = ""] = /\[ -(\w+) \]/.exec(dialect.usage) ?? [];
    const valued = [...dialect.usage.matchAll(/\[ -(\w) \S+ \]/g)].map(([, letter]) => letter!);
    assert.equal(sorted(letters), sorted(flags + valued.join("")));
  });
}

const sorted = (letters: string) => [...letters].sort().join("");

test("a limit is at least 1", () => {
  assert.throws(() => parseOptions(words("-c -1 0 25 p")), /-c needs a number/);
  assert.equal(parseOptions(words("-c 0 0 25 p")).limit, 1);
});

test("sslserver -I in front of an interface of this machine takes it, elsewhere it stands alone", () => {
  assert.equal(parseOptions(words("-I eth0 0 25 p"), sslserver, ["lo", "eth0"]).scope, "eth0");
  assert.equal(parseOptions(words("-I mail 25 p"), sslserver, ["lo", "eth0"]).host, "mail");
});

const refused: Record<string, [string, RegExp]> = {
  "an unknown letter": ["-k h 1 p", /illegal option -- k/],
  "a value that is missing": ["-c", /requires an argument -- c/],
  "a limit that is no number": ["-c many h 1 p", /-c needs a number, not "many"/],
  "a uid that a shell left empty": ["-u -g 0 25 p", /-u needs a number, not "-g"/],
  "a number of fronts that is none": ["--fronts all h 1 p", /option --fronts needs a number, not "all"/],
  "no number of fronts": ["--fronts", /requires an argument -- --fronts/],
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
