import assert from "node:assert/strict";
import { test } from "node:test";
import { type Circumstances, completeHeader } from "./complete.ts";
import { HeaderReader } from "./header-reader.ts";
import { defaultHostRules } from "./rewrite-host.ts";

const usual: Circumstances = {
  rules: defaultHostRules("example.org", "example.org", "example.org"),
  sender: { name: "", local: "bob", host: "example.com" },
  senderIsKnown: false,
  now: Date.UTC(2026, 10, 22, 13, 36, 30),
  messageId: (stamp) => `<${stamp}@id>`,
};
const now = "Date: 22 Nov 2026 13:36:30 -0000\nMessage-ID: <20261122133630@id>\n";
const from = "From: bob@example.com\n";
const hidden = "Cc: recipient list not shown: ;\n";

for (const [name, given, completed, circumstances] of [
  ["an empty header", "", now + from + hidden],
  ["no Date, Message-ID, From", "To: a@x.y\nSubject: x\n", `${now}${from}To: a@x.y\nSubject: x\n`],
  [
    "the order of fields",
    "Subject: s\nX-A: 1\nCc: c@x.y\nReceived: from a\nTo: a@x.y\nResent-From: r@x.y\nMessage-ID: <i@x.y>\n folded\nFrom: f\n",
    "Received: from a\nResent-From: r@x.y\nDate: 22 Nov 2026 13:36:30 -0000\nMessage-ID: <i@x.y>\n folded\n" +
      "From: f@example.org\nTo: a@x.y\nCc: c@x.y\nSubject: s\nX-A: 1\n",
  ],
  [
    "what is for nobody's eyes",
    "Bcc: secret@x.y\nbcc : other@x.y\nResent-Bcc: r@x.y\nReturn-Path: <a>\nApparently-To: a\nContent-Length: 5\nTo: a@x.y\n",
    `${now}${from}To: a@x.y\n`,
  ],
  ["several To fields", "To: a@x.y\nTo: b\n", `${now}${from}To: a@x.y, b@example.org\n`],
  ["Cc alone", "Cc: c\n", `${now}${from}Cc: c@example.org\n`],
  ["an empty group", "To: undisclosed-recipients:;\n", now + from + hidden],
  ["From without an address", "From: \nTo: a@x.y\n", `${now}${from}To: a@x.y\n`],
  [
    "addresses that are not understood are kept",
    "From: Bob Bob\nTo: a b\nTo: c\n",
    `${now}From: Bob Bob\nTo: a b\nTo: c\n`,
  ],
  [
    "a known sender",
    "From: Mallory <m@x.y>\nTo: a@x.y\n",
    `${now}From: "Bob" <bob@example.com>\nTo: a@x.y\n`,
    { sender: { ...usual.sender, name: "Bob" }, senderIsKnown: true },
  ],
  [
    "the null sender",
    "To: a@x.y\n",
    `${now}From: <>\nTo: a@x.y\n`,
    { sender: { name: "", local: "", host: "" } },
  ],
  [
    "the given date makes the Message-ID",
    "Date: 3 Mar 2020 10:11:12 +0100\nTo: a@x.y\n",
    `Date: 3 Mar 2020 10:11:12 +0100\nMessage-ID: <20200303101112@id>\n${from}To: a@x.y\n`,
  ],
] as [string, string, string, Partial<Circumstances>?][]) {
  test(name, () => {
    const reader = new HeaderReader();
    assert.equal(reader.take(Buffer.from(given, "latin1")), undefined);
    assert.equal(completeHeader(reader.atEnd().fields, { ...usual, ...circumstances }), completed);
  });
}
