import assert from "node:assert/strict";
import { test } from "node:test";
import { play, type Scene } from "../../../test/play.ts";
import { type Queued, queueStandIn } from "../../../test/queue-stand-in.ts";
import { cdbBytes } from "../../protocol/cdb/cdb.ts";
import { maximumHeaderOctets } from "../../protocol/message-header/header-reader.ts";
import { main } from "./main.ts";

const queued: Queued[] = [];

const scene: Scene = {
  programs: { ofmipd: main, "qmail-queue": queueStandIn(queued) },
  argv: ["ofmipd"],
  env: { QMAILQUEUE: ".path/qmail-queue", TCPREMOTEIP: "192.0.2.7" },
  files: {
    "control/me": "example.org\n",
    "control/names.cdb": Buffer.from(cdbBytes([["bob@example.org", "Bob B.\0bob@b.example"]])).toString(
      "latin1",
    ),
  },
};

/** What the queue was given last, without what is never the same. */
function lastQueued(): Queued | undefined {
  const last = queued.at(-1);
  queued.length = 0;
  return last && { ...last, message: last.message.replace(/; [^;]* -0000\n/, "; DATE\n") };
}

const begin = `
    S: 220 ofmipd.local ESMTP
    C: MAIL FROM:<bob>
    C: RCPT TO:<alice@host>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go ahead`;
const end = `
    C: .
    C: QUIT
    S: 250 ok
    S: 221 ofmipd.local`;
const header = `
    C: Bcc: secret@x.example
    C: From: bob
    C: To: alice@host
    C: Message-ID: <1@x>
    C: Date: 3 Mar 2020 10:11:12 +0100`;
const completed =
  "Received: (ofmipd 192.0.2.7); DATE\nDate: 3 Mar 2020 10:11:12 +0100\nMessage-ID: <1@x>\n" +
  "From: bob@example.org\nTo: alice@host.example.org\n";

test("a header is completed, and its body goes through", () =>
  play(`${begin}${header}\nC: \nC: ..hello\nC: \nC: Bcc: kept\n${end}`, {
    ...scene,
    exit: 0,
    after: () =>
      assert.deepEqual(lastQueued(), {
        message: `${completed}\n.hello\n\nBcc: kept\n`,
        envelope: "Fbob@example.org\0Talice@host.example.org\0\0",
      }),
  }));

test("a message without a body", () =>
  play(begin + header + end, { ...scene, after: () => assert.equal(lastQueued()?.message, completed) }));

test("a sender that name.cdb knows", () =>
  play(begin + header + end, {
    ...scene,
    argv: ["ofmipd", "control/names.cdb"],
    cuts: "whole",
    after: () =>
      assert.deepEqual(lastQueued(), {
        message: completed.replace("bob@example.org", '"Bob B." <bob@b.example>'),
        envelope: "Fbob@b.example\0Talice@host.example.org\0\0",
      }),
  }));

test("a header that is too large is read to its end, and nothing of it is queued", () =>
  play(
    `${begin}
    C: X: ${"x".repeat(maximumHeaderOctets)}
    C: Bcc: secret@x.example
    C: .
    C: QUIT
    S: 552 sorry, the header of that message is too large (#5.3.4)
    S: 221 ofmipd.local`,
    { ...scene, cuts: "whole", after: () => assert.deepEqual(lastQueued(), { message: "", envelope: "" }) },
  ));

test("a message that is too large", () =>
  play(
    `${begin}${header}
    C: 
    C: ${"x".repeat(200)}
    C: .
    C: QUIT
    S: 552 sorry, that message size exceeds my databytes limit (#5.3.4)
    S: 221 ofmipd.local`,
    {
      ...scene,
      env: { ...scene.env, DATABYTES: "200" },
      cuts: "whole",
      after: () => assert.equal(lastQueued()?.envelope, ""),
    },
  ));

test("a carriage return alone in a message", () =>
  play(
    `${begin}
    C: x\x0dMAIL FROM:<>
    S: 451 a carriage return without a line feed: lines of a message end with both (#4.6.0)
    (END)`,
    {
      ...scene,
      exit: 100,
      after: () => assert.deepEqual(lastQueued(), { message: "", envelope: "" }),
    },
  ));

test("a client that leaves in the middle", () =>
  play(`${begin}\nC: x\n(EOF)\n(END)`, {
    ...scene,
    exit: 1,
    after: () => assert.deepEqual(lastQueued(), { message: "", envelope: "" }),
  }));

for (const [name, changes, reply] of [
  [
    "no name.cdb where one should be",
    { argv: ["ofmipd", "none.cdb"] },
    "451 unable to read configuration (#4.3.0)",
  ],
] as const) {
  test(name, () => play(`S: ${reply}\n(END)`, { ...scene, ...changes, exit: 1 }));
}

test("a name.cdb that is none", () =>
  play("S: 220 ofmipd.local ESMTP\nC: MAIL FROM:<a>\nS: 451 unable to read cdb (#4.3.0)\n(EOF)\n(END)", {
    ...scene,
    argv: ["ofmipd", "control/me"],
  }));
