import assert from "node:assert/strict";
import { after, test } from "node:test";
import { play, type Scene } from "../../../test/play.ts";
import { serveDns } from "../../../test/runner/dns.ts";
import type { Program } from "../../system/system.ts";
import { main } from "./main.ts";
import { parseOptions, usage } from "./options.ts";

/** Says what it found in RBLSMTPD. */
const smtpd: Program = async (_, system) => {
  await system.output(1).write(Buffer.from(`220 ${system.env.get("RBLSMTPD") ?? "in"}\r\n`, "latin1"));
  return 7;
};

const dns = await serveDns({
  "7.2.0.192.rbl.example/TXT": "listed",
  "7.2.0.192.ok.example/A": "127.0.0.2",
  [`7.${"0.".repeat(23)}8.b.d.0.1.0.0.2.rbl.example/TXT`]: "listed too",
  "1.0.0.127.rbl.example/TXT": "listed",
  "rbl.example/TXT": "listed",
  "7.2.0.192.bad.example/TXT": "<SERVFAIL>",
});
after(() => dns.close());

const scene: Scene = {
  programs: { rblsmtpd: main, smtpd },
  argv: ["rblsmtpd", "smtpd"],
  env: { TCPREMOTEIP: "192.0.2.7" },
  cuts: "whole",
};

for (const [name, options, env, greeting, exit, log] of [
  ["no list", [], {}, "220 in", 7, []],
  [
    "listed",
    ["-r", "rbl.example"],
    {},
    "220 rblsmtpd.local",
    0,
    ["rblsmtpd: 192.0.2.7 pid <PID>: 451 listed"],
  ],
  [
    "listed for good",
    ["-br", "rbl.example"],
    {},
    "220 rblsmtpd.local",
    0,
    ["rblsmtpd: 192.0.2.7 pid <PID>: 553 listed"],
  ],
  [
    "listed after trouble",
    ["-b", "-r", "bad.example", "-rrbl.example"],
    {},
    "220 rblsmtpd.local",
    0,
    ["rblsmtpd: 192.0.2.7 pid <PID>: 451 listed"],
  ],
  ["vouched for", ["-a", "ok.example", "-r", "rbl.example"], {}, "220 in", 7, []],
  [
    "listed, and told at once",
    ["-t", "0", "-r", "rbl.example"],
    {},
    "451 listed",
    0,
    ["rblsmtpd: 192.0.2.7 pid <PID>: 451 listed"],
  ],
  ["listed, and only told on", ["-i", "-r", "rbl.example"], {}, "220 [RBL info] listed", 7, []],
  [
    "listed, IPv6",
    ["-r", "rbl.example"],
    { TCPREMOTEIP: "2001:db8::7" },
    "220 rblsmtpd.local",
    0,
    ["rblsmtpd: 2001:db8::7 pid <PID>: 451 listed too"],
  ],
  ["ourselves", ["-r", "rbl.example"], { TCPREMOTEIP: "127.0.0.1" }, "220 in", 7, []],
  ["nobody knows who", ["-r", "rbl.example"], { TCPREMOTEIP: "" }, "220 in", 7, []],
  ["let in by a rule", ["-r", "rbl.example"], { RBLSMTPD: "" }, "220 ", 7, []],
] as [string, string[], Record<string, string>, string, number, string[]][]) {
  test(name, () =>
    play(`S: ${greeting}\n(EOF)\n(END)`, {
      ...scene,
      argv: ["rblsmtpd", ...options, "smtpd"],
      env: { ...scene.env, ACCEPTUTILS_DNS: dns.address, ...env },
      exit,
      log,
    }),
  );
}

test("who is turned away hears so when it names a recipient", () =>
  play(
    `
    S: 220 rblsmtpd.local
    C: EHLO x
    C: mail FROM:<a@b>
    C: RCPT TO:<c@d>
    C: STARTTLS
    C: QUIT
    S: 250 rblsmtpd.local
    S: 250 rblsmtpd.local
    S: 553 go away
    S: 553 go away
    S: 221 rblsmtpd.local`,
    { ...scene, env: { RBLSMTPD: "-go away" }, exit: 0, cuts: "every" },
  ));

for (const [words, complaint] of [
  [["-x", "smtpd"], "illegal option -- x"],
  [["-R", "smtpd"], "illegal option -- R"],
  [["-r"], "option requires an argument -- r"],
  [[], undefined],
  [["-b"], undefined],
] as const) {
  test(`the command line ${words.join(" ")}`, async () => {
    assert.deepEqual(parseOptions(words), { complaint });
    const log = complaint === undefined ? [usage] : [`rblsmtpd: ${complaint}`, usage];
    await play("(END)", { ...scene, argv: ["rblsmtpd", ...words], exit: 100, log });
  });
}

test("what follows the options is the program, options of its own included", () => {
  const options = parseOptions(["-C", "-t9", "--", "-r", "x", "-b"]);
  assert.ok(!("complaint" in options));
  assert.deepEqual(options.program, ["-r", "x", "-b"]);
  assert.equal(options.timeoutSeconds, 9);
});

test("a program that cannot be run", () =>
  play("(END)", {
    ...scene,
    argv: ["rblsmtpd", "no-such-program"],
    exit: 111,
    log: ["rblsmtpd: fatal: unable to run no-such-program: file does not exist"],
  }));
