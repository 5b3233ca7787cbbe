import assert from "node:assert/strict";
import { test } from "node:test";
import { play, type Scene } from "../../../test/play.ts";
import { type Queued, queueStandIn } from "../../../test/queue-stand-in.ts";
import { maximumLineOctets } from "../../protocol/smtp/command.ts";
import type { Program } from "../../system/system.ts";
import { main } from "./main.ts";

const queued: Queued[] = [];

const scene: Scene = {
  programs: { "qmail-smtpd": main, "qmail-queue": queueStandIn(queued) },
  argv: ["qmail-smtpd"],
  env: { QMAILQUEUE: ".path/qmail-queue", TCPREMOTEIP: "192.0.2.7", TCPREMOTEHOST: "client.example" },
  files: {
    "control/me": "mx.example\n",
    "control/rcpthosts": "mx.example\n",
    "control/recipients": "alice\n",
  },
};

const trace = "Received: from client.example (192.0.2.7)\n  by unknown with SMTP; DATE\n";
const withoutDate = (message: string) => message.replace(/; .*? -0000\n/, "; DATE\n");

for (const [name, dialogue, exit, changes] of [
  [
    "a message",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<bob@example>
    S: 250 ok
    C: RCPT TO:<alice@mx.example>
    S: 250 ok
    C: DATA
    S: 354 go ahead
    C: Subject: x
    C: 
    C: ..hello
    C: .
    C: QUIT
    S: 250 ok <TIME> qp <PID>
    S: 221 mx.example`,
    0,
    {
      after: () =>
        assert.deepEqual(
          queued.splice(0).map(({ message, envelope }) => [withoutDate(message), envelope]),
          [[`${trace}Subject: x\n\n.hello\n`, "Fbob@example\0Talice@mx.example\0\0"]],
        ),
    },
  ],
  [
    "a local name that nobody has",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<>
    S: 250 ok
    C: RCPT TO:<carol@MX.example>
    S: 550 sorry, no mailbox here by that name. (#5.1.1)
    C: RCPT TO:<alice@elsewhere.example>
    S: 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
    C: RCPT TO:<alice>
    S: 250 ok
    (EOF)
    (END)`,
    1,
  ],
  [
    "a carriage return alone in a message: nothing is queued",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<>
    C: RCPT TO:<alice@mx.example>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead
    C: x\x0dMAIL FROM:<>
    S: 451 a carriage return without a line feed: lines of a message end with both (#4.6.0)
    (END)`,
    1,
    { after: () => assert.equal(queued.splice(0).filter(({ envelope }) => envelope !== "").length, 0) },
  ],
  [
    "a client that leaves in the middle of a message: nothing is queued",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<>
    C: RCPT TO:<alice@mx.example>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead
    C: x
    C: .\\
    (EOF)
    (END)`,
    1,
    {
      after: () =>
        assert.deepEqual(
          queued.splice(0).map(({ envelope }) => envelope),
          [""],
        ),
    },
  ],
  [
    "a message that is too large is read to its end, and refused",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<> SIZE=11
    S: 552 sorry, that message size exceeds my databytes limit (#5.3.4)
    C: MAIL FROM:<>
    C: RCPT TO:<alice>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead
    C: 1234567890
    C: RSET
    C: .
    C: QUIT
    S: 552 sorry, that message size exceeds my databytes limit (#5.3.4)
    S: 221 mx.example`,
    0,
    {
      env: { ...scene.env, DATABYTES: "10" },
      after: () =>
        assert.deepEqual(
          queued.splice(0).map(({ envelope }) => envelope),
          [""],
        ),
    },
  ],
  [
    "words of the queue's own",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<>
    C: RCPT TO:<alice>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead
    C: .
    S: 554 no such content here, 250 ok
    (EOF)
    (END)`,
    1,
    {
      programs: {
        "qmail-smtpd": main,
        "qmail-queue": queueStandIn([], 82, "Dno such content here,\r\n250 ok\n"),
      },
    },
  ],
  [
    "a queue that cannot be run",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<>
    C: RCPT TO:<alice>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead
    C: x
    C: .
    S: 451 unable to exec qq (#4.3.0)
    (EOF)
    (END)`,
    1,
    { env: { ...scene.env, QMAILQUEUE: "bin/none" } },
  ],
  [
    "a queue that reads nothing and refuses",
    `
    S: 220 mx.example ESMTP
    C: MAIL FROM:<>
    C: RCPT TO:<alice>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead
    C: ${"x".repeat(100_000)}
    C: .
    S: 554 mail server permanently rejected message (#5.3.0)
    (EOF)
    (END)`,
    1,
    { cuts: "whole", programs: { "qmail-smtpd": main, "qmail-queue": async () => 31 } },
  ],
  [
    "a line that is too long",
    `
    S: 220 mx.example ESMTP
    C: NOOP ${"x".repeat(maximumLineOctets)}
    C: NOOP
    S: 500 command line too long (#5.5.6)
    S: 250 ok
    (EOF)
    (END)`,
    1,
    { cuts: "whole" },
  ],
  ["no name to greet with", "S: 421 unable to read controls (#4.3.0)\n(END)", 1, { files: {} }],
] as [string, string, number, Partial<Scene>?][]) {
  test(name, () => play(dialogue, { ...scene, exit, ...changes }));
}

const asked: string[] = [];
const rcptCheck =
  (exit: number): Program =>
  async (_, { env }) => {
    asked.push(`${env.get("SENDER")} ${env.get("RECIPIENT")}`);
    return exit;
  };

for (const [exit, reply, end] of [
  [0, "250 ok", "C: QUIT\nS: 221 mx.example"],
  [100, "553 sorry, no mailbox here by that name. (#5.1.1)", "C: QUIT\nS: 221 mx.example"],
  [111, "421 unable to verify recipient (#4.3.0)", "(END)"],
  [120, "421 unable to execute recipient check (#4.3.0)", "(END)"],
] as const) {
  test(`RCPTCHECK exits ${exit}`, async () => {
    const dialogue = `S: 220 mx.example ESMTP\nC: MAIL FROM:<b@c>\nS: 250 ok\nC: RCPT TO:<alice>\nS: ${reply}\n${end}`;
    await play(dialogue, {
      ...scene,
      programs: { ...scene.programs, check: rcptCheck(exit) },
      env: { ...scene.env, RCPTCHECK: ".path/check" },
      cuts: "whole",
    });
    assert.deepEqual(asked.splice(0), ["b@c alice"]);
  });
}
